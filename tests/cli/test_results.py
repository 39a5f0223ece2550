"""Results in every form: JSON lines, OpenAI Batch output, CSV; while a run is going, and redone."""

import base64
import csv
import io
import json
import os
import shutil
import unittest

from harness import BINARY, DEADLINE_S, CliTestCase, main, subprocess


class ResultsCase(CliTestCase):
    CONFIG = """\
providers:
  openai:
    base_url: {base_url}
    keys: [env:TEST_API_KEY]
models:
  small: {{provider: openai, kind: chat, price: {{input: 1, output: 2}}}}
  painter: {{provider: openai, kind: image}}
types:
  bio: {{model: small, prompt: "{prompt} {{{{artist}}}}", params: {{max_tokens: {max_tokens}}}}}
"""

    def setUp(self):
        super().setUp()
        self.env["TEST_API_KEY"] = "sk-some"
        _, self.base_url = self.start_sandbox("--latency", "1ms")

    def configure(self, prompt="Write about", max_tokens=2000):
        self.write("ratebatch.yaml", self.CONFIG.format(base_url=self.base_url, prompt=prompt,
                                                        max_tokens=max_tokens))

    def run_lines(self, lines, code=0):
        self.write("jobs.jsonl", "".join(json.dumps(line) + "\n" for line in lines))
        self.check_code(self.run_cli("run", "jobs.jsonl", "--quiet"), code)

    @staticmethod
    def bio(number, **more):
        return {"id": f"bio-{number}", "type": "bio", "vars": {"artist": f"Ärtist, No. {number}"},
                **more}

    @staticmethod
    def batch_line(name, url, body):
        return {"custom_id": name, "method": "POST", "url": url, "body": body}


class ResultsTest(ResultsCase):
    def check_schema(self, value, schema, place="result"):
        """The part of JSON Schema that the shipped schema uses."""
        kinds = {"string": str, "integer": int, "number": (int, float), "boolean": bool,
                 "object": dict, "array": list}
        if "type" in schema:
            self.assertIsInstance(value, kinds[schema["type"]], place)
        if "enum" in schema:
            self.assertIn(value, schema["enum"], place)
        for name in schema.get("required", []):
            self.assertIn(name, value, place)
        for name, member in (value.items() if isinstance(value, dict) else []):
            known = schema.get("properties", {})
            if name in known:
                self.check_schema(member, known[name], f"{place}.{name}")
            else:
                self.assertIsNot(schema.get("additionalProperties", True), False,
                                 f"{place}.{name} is not in the schema")
        for item in (value if isinstance(value, list) and "items" in schema else []):
            self.check_schema(item, schema["items"], place + "[]")

    def test_result_lines_are_as_the_schema_says(self):
        self.configure()
        self.run_lines([self.bio(1, metadata={"lead": 4}), {"id": "p", "model": "painter",
                        "prompt": "a heron"},
                        self.batch_line("raw", "/v1/chat/completions", {
                            "model": "small", "messages": [{"role": "user", "content": "Hi"}]}),
                        self.batch_line("bad", "/v1/chat/completions", {
                            "model": "small", "messages": [{"role": "user"}]})], code=1)
        path = os.path.join(os.environ["RATEBATCH_SOURCE_DIR"], "jobs", "result.schema.json")
        with open(path, encoding="utf-8") as file:
            schema = json.load(file)
        results = self.run_cli("results").json_lines()
        self.assertEqual(4, len(results))
        for result in results:
            self.check_schema(result, schema)
        self.assertEqual({"text", "files", "body", "error"},
                         {name for result in results for name in ("text", "files", "body", "error")
                          if name in result})

    def test_batch_output_reads_like_the_providers_own(self):
        self.configure()
        self.run_lines([
            self.bio(1),
            self.batch_line("raw", "/v1/chat/completions", {
                "model": "small", "messages": [{"role": "user", "content": "Hello"}]}),
            self.batch_line("picture", "/v1/images/generations", {
                "model": "painter", "prompt": "a lighthouse"}),
            self.batch_line("bad", "/v1/chat/completions", {
                "model": "small", "messages": [{"role": "user"}]})], code=1)
        done = self.run_cli("results", "--format", "batch", "--errors", "errors.jsonl", "-o",
                            "output.jsonl")
        self.check_code(done, 0)
        output = {line["custom_id"]: line
                  for line in map(json.loads, self.read("output.jsonl").splitlines())}
        self.assertEqual({"bio-1", "raw", "picture"}, set(output))
        for line in output.values():
            self.assertEqual(["id", "custom_id", "response", "error"], list(line))
            self.assertIsNone(line["error"])
            self.assertEqual(200, line["response"]["status_code"])
            self.assertTrue(line["response"]["request_id"].startswith("req_"))
        for name in ("bio-1", "raw"):
            choice = output[name]["response"]["body"]["choices"][0]
            self.assertEqual("assistant", choice["message"]["role"])
            self.assertGreater(len(choice["message"]["content"]), 10)
            self.assertEqual("stop", choice["finish_reason"])
            usage = output[name]["response"]["body"]["usage"]
            self.assertEqual(usage["total_tokens"],
                             usage["prompt_tokens"] + usage["completion_tokens"])
        picture = base64.b64decode(output["picture"]["response"]["body"]["data"][0]["b64_json"])
        with open(self.path("ratebatch-assets/picture.png"), "rb") as file:
            self.assertEqual(file.read(), picture)
        errors = [json.loads(line) for line in self.read("errors.jsonl").splitlines()]
        self.assertEqual(["bad"], [line["custom_id"] for line in errors])
        self.assertEqual(400, errors[0]["response"]["status_code"])
        self.assertIn("content", errors[0]["response"]["body"]["error"]["message"])

    def test_failures_are_counted_where_no_file_takes_them(self):
        self.configure()
        self.run_lines([self.batch_line("bad", "/v1/chat/completions", {
            "model": "small", "messages": [{"role": "user"}]})], code=1)
        done = self.run_cli("results", "--format", "batch")
        self.check_code(done, 0)
        self.assertEqual("", done.stdout)
        self.assertIn("1 failure", done.stderr)
        self.assertIn("--errors", done.stderr)

    def test_a_table_has_variables_and_metadata_as_columns(self):
        self.configure()
        self.run_lines([self.bio(1, metadata={"lead": 7, "tags": ["a", "b"]}), self.bio(2)])
        rows = list(csv.DictReader(io.StringIO(
            self.run_cli("results", "--format", "csv", "--in-order").stdout)))
        self.assertEqual(["id", "status", "text", "vars.artist", "metadata.lead", "metadata.tags"],
                         list(rows[0]))
        self.assertEqual("Ärtist, No. 1", rows[0]["vars.artist"])
        self.assertEqual(["7", ""], [row["metadata.lead"] for row in rows])
        self.assertEqual('["a","b"]', rows[0]["metadata.tags"])
        lines = {line["id"]: line for line in self.run_cli("results").json_lines()}
        for row in rows:
            self.assertEqual(lines[row["id"]]["text"], row["text"])

    def test_chosen_columns_may_leave_out_where_a_name_stands(self):
        self.configure()
        self.run_lines([self.bio(1, metadata={"lead": 7})])
        done = self.run_cli("results", "--format", "csv", "--columns",
                            "lead,artist,usage.output_tokens,error.class,id")
        rows = list(csv.reader(io.StringIO(done.stdout)))
        self.assertEqual(["lead", "artist", "usage.output_tokens", "error.class", "id"], rows[0])
        self.assertEqual(["7", "Ärtist, No. 1"], rows[1][:2])
        self.assertGreater(int(rows[1][2]), 0)
        self.assertEqual(["", "bio-1"], rows[1][3:])
        self.check_code(self.run_cli("results", "--format", "csv", "--columns", "id,id"), 2)
        for typo, meant in (("artits", "artist"), ("usage.outputtokens", "usage.output_tokens"),
                            ("error.clas", "error.class")):
            unknown = self.run_cli("results", "--format", "csv", "--columns", f"id,{typo}")
            self.check_code(unknown, 2)
            self.assertIn(f"'{typo}' (did you mean '{meant}'?)", unknown.stderr)

    def test_a_column_that_no_result_has_yet_is_empty(self):
        self.configure()
        self.write("jobs.jsonl", "".join(json.dumps(self.bio(i)) + "\n" for i in range(3)))
        columns = ("results", "--format", "csv", "--columns")
        self.check_code(self.run_cli("run", "jobs.jsonl", "--max-jobs", "0", "--quiet"), 75)
        for results in (0, 1):
            done = self.run_cli(*columns, "id,artits,error.class")
            self.check_code(done, 0)
            rows = list(csv.reader(io.StringIO(done.stdout)))
            self.assertEqual(["id", "artits", "error.class"], rows[0])
            self.assertEqual([["", ""]] * results, [row[1:] for row in rows[1:]])
            self.assertIn("no result so far has 'artits'", done.stderr)
            self.check_code(self.run_cli(*columns, "error.clas"), 2)
            self.check_code(self.run_cli("resume", "--max-jobs", "1", "--quiet"), 75)
        self.check_code(self.run_cli("resume", "--quiet"), 0)
        self.check_code(self.run_cli(*columns, "id,artits"), 2)

    def test_a_table_has_the_text_of_whole_bodies_and_the_words_of_failures(self):
        self.configure()
        self.run_lines([self.batch_line("raw", "/v1/chat/completions", {
            "model": "small", "messages": [{"role": "user", "content": "Hello"}]}),
            {**self.batch_line("bad", "/v1/chat/completions", {
                "model": "small", "messages": [{"role": "user"}]}),
             "metadata": {"lead": 4}}], code=1)
        table = self.run_cli("results", "--format", "csv").stdout
        rows = {row["id"]: row for row in csv.DictReader(io.StringIO(table))}
        self.assertEqual("id,status,text,metadata.lead,error.class,error.message",
                         table.splitlines()[0])
        body = {line["id"]: line for line in self.run_cli("results").json_lines()}["raw"]["body"]
        self.assertEqual(body["choices"][0]["message"]["content"], rows["raw"]["text"])
        self.assertEqual("invalid_request", rows["bad"]["error.class"])
        self.assertIn("content", rows["bad"]["error.message"])

    def test_a_reader_that_leaves_early_is_no_failure(self):
        self.configure()
        self.run_lines([self.bio(i) for i in range(200)])
        for form in ("jsonl", "batch", "csv"):
            running = self.start("results", "--format", form)
            running.process.stdout.close()
            self.assertEqual(0, running.process.wait(timeout=60))

    def test_pictures_are_named_by_a_plain_path(self):
        self.configure()
        self.write("ratebatch.yaml", self.read("ratebatch.yaml") + "assets: ./pics/\n")
        self.run_lines([{"id": "p", "model": "painter", "prompt": "a heron"}])
        self.assertEqual(["pics/p.png"], self.run_cli("results").json_lines()[0]["files"])
        self.write("ratebatch.yaml", self.read("ratebatch.yaml").replace("./pics/", "~/pics"))
        done = self.run_cli("check")
        self.check_code(done, 2)
        self.assertRegex(done.stderr, r"ratebatch\.yaml:\d+: key 'assets': .*whole path")

    def test_following_prints_results_as_they_come_and_ends_with_the_last_job(self):
        self.configure()
        self.write("jobs.jsonl", "".join(json.dumps(self.bio(i)) + "\n" for i in range(30)))
        self.check_code(self.run_cli("run", "jobs.jsonl", "--max-jobs", "5", "--quiet"), 75)
        following = self.start("results", "--follow")
        following.wait_for("bio-", "stdout")
        self.check_code(self.run_cli("resume", "--quiet"), 0)
        done = following.finish()
        self.check_code(done, 0)
        results = done.json_lines()
        self.assertEqual(30, len({result["id"] for result in results}))
        self.assertEqual(30, len(results))

    def test_answers_of_an_older_recipe_are_counted_and_redone(self):
        self.configure()
        self.run_lines([self.bio(i) for i in range(4)])
        self.assertEqual(0, self.status()["jobs"]["changed"])
        self.configure(prompt="Sing about")
        self.assertEqual(4, self.status()["jobs"]["changed"])
        before = {line["id"]: line["text"] for line in self.run_cli("results").json_lines()}
        self.configure(prompt="Sing about")
        self.write("more.jsonl", json.dumps(self.bio(9)) + "\n")
        self.check_code(self.run_cli("run", "more.jsonl", "--quiet"), 0)
        self.assertEqual(4, self.status()["jobs"]["changed"])
        self.check_code(self.run_cli("retry", "--changed"), 0)
        # Until the new answers are there, the old ones stay.
        results = {line["id"]: line["text"] for line in self.run_cli("results").json_lines()}
        self.assertEqual(before, {name: results[name] for name in before})
        self.check_code(self.run_cli("resume", "--quiet"), 0)
        after = {line["id"]: line["text"] for line in self.run_cli("results").json_lines()}
        self.assertEqual(5, len(after))
        for name, text in before.items():
            self.assertNotEqual(text, after[name])
        self.assertEqual(0, self.status()["jobs"]["changed"])

    def test_cut_answers_are_counted_and_redone_with_more_room(self):
        self.configure(max_tokens=5)
        self.run_lines([self.bio(i) for i in range(3)])
        self.assertEqual(3, self.status()["jobs"]["truncated"])
        self.configure(max_tokens=2000)
        self.check_code(self.run_cli("retry", "--truncated"), 0)
        self.check_code(self.run_cli("resume", "--quiet"), 0)
        self.assertEqual(0, self.status()["jobs"]["truncated"])
        for result in self.run_cli("results").json_lines():
            self.assertEqual("stop", result["finish_reason"])


class GuardTest(ResultsCase):
    """What is read is never replaced by what is written."""

    def setUp(self):
        super().setUp()
        self.configure()
        os.makedirs(self.path("d"))

    def refused(self, *arguments):
        done = self.run_cli(*arguments)
        self.check_code(done, 2)
        return done.stderr

    def unchanged(self, *names):
        """Of these files, to compare."""
        return {name: self.read(name) for name in names}

    def test_no_output_replaces_what_is_read(self):
        self.run_lines([self.bio(1)])
        kept = self.unchanged("jobs.jsonl", "ratebatch.yaml")
        for name in ("ratebatch.db", "./ratebatch.db", "ratebatch.db-wal", "ratebatch.db-journal",
                     "ratebatch.yaml", "."):
            self.assertIn("--output", self.refused("results", "-o", name))
        for option in ("-o", "--log-file"):
            for name in ("jobs.jsonl", "ratebatch.db", "ratebatch.yaml"):
                self.refused("run", "jobs.jsonl", option, name)
        self.assertEqual(kept, self.unchanged(*kept))
        self.assertEqual(1, self.status()["jobs"]["done"])

    def test_the_job_files_of_a_checkpoint_stay(self):
        self.run_lines([self.bio(1)])
        os.link(self.path("jobs.jsonl"), self.path("same.jsonl"))
        kept = self.unchanged("jobs.jsonl")
        for name in ("jobs.jsonl", "d/../jobs.jsonl", "same.jsonl"):
            for command in (("resume", "-o"), ("resume", "--log-file"), ("results", "-o"),
                            ("results", "--format", "batch", "--errors")):
                self.refused(*command, name)
        self.assertEqual(kept, self.unchanged(*kept))
        self.check_code(self.run_cli("results", "-o", "new.jsonl"), 0)
        self.check_code(self.run_cli("results", "-o", "new.jsonl"), 0)

    def test_the_configuration_that_is_used_stays(self):
        shutil.move(self.path("ratebatch.yaml"), self.path("d/ratebatch.yaml"))
        self.write("d/jobs.jsonl", json.dumps(self.bio(1)) + "\n")
        kept = self.unchanged("d/ratebatch.yaml")
        for option in ("-o", "--log-file"):
            self.refused("run", "d/jobs.jsonl", option, "d/ratebatch.yaml")
        self.assertEqual(["d"], self.files())
        self.check_code(self.run_cli("run", "d/jobs.jsonl", "--quiet"), 0)
        for command in (("resume", "-o"), ("resume", "--log-file"), ("results", "-o")):
            self.refused(*command, "d/ratebatch.yaml")
        self.assertEqual(kept, self.unchanged(*kept))

    def test_key_files_stay(self):
        self.write("key", "sk-some\n")
        os.chmod(self.path("key"), 0o600)
        self.write("ratebatch.yaml", self.read("ratebatch.yaml").replace("env:TEST_API_KEY",
                                                                        "file:key"))
        self.write("jobs.jsonl", json.dumps(self.bio(1)) + "\n")
        self.refused("run", "jobs.jsonl", "-o", "key")
        self.assertEqual("sk-some\n", self.read("key"))

    def test_two_outputs_are_two_files(self):
        self.write("jobs.jsonl", json.dumps(self.bio(1)) + "\n")
        self.refused("run", "jobs.jsonl", "-o", "r.jsonl", "--log-file", "./r.jsonl")
        self.run_lines([self.bio(1)])
        self.refused("results", "--format", "batch", "-o", "r.jsonl", "--errors", "d/../r.jsonl")
        self.assertNotIn("r.jsonl", self.files())

    def test_only_ordinary_files_are_replaced(self):
        self.run_lines([self.bio(1)])
        os.mkfifo(self.path("fifo"))
        os.symlink("target", self.path("link"))
        for name in ("fifo", "link", "/dev/null", "d", "d/", "new/", "jobs.jsonl/x", "none/x"):
            self.assertNotEqual("", self.refused("results", "-o", name))
        self.assertIn("| or >", self.refused("results", "-o", "fifo"))
        self.assertTrue(os.path.islink(self.path("link")))

    NOBODY = ["setpriv", "--reuid=nobody", "--clear-groups"]

    @unittest.skipUnless(os.geteuid() == 0 and shutil.which("setpriv"),
                         "only root can become nobody")
    def test_what_may_be_written_is_asked_of_the_right_place(self):
        if subprocess.run([*self.NOBODY, "test", "-x", BINARY], check=False).returncode != 0:
            self.skipTest("the program lies where nobody cannot run it")
        self.write("jobs.jsonl", json.dumps(self.bio(1)) + "\n")
        self.write("d/run.log", "before\n")
        os.makedirs(self.path("own"))
        for name in (".", "d", "jobs.jsonl", "ratebatch.yaml"):
            os.chmod(self.path(name), 0o755)
        for name in ("own", "d/run.log"):
            shutil.chown(self.path(name), "nobody")

        def run_as_nobody(*arguments):
            # The shell makes a pipe of its own, so that it is nobody's to open again.
            words = [*self.NOBODY, "sh", "-c", '"$@" 2>&1 | cat', "sh", BINARY, *arguments]
            return subprocess.run(words, cwd=self.folder, env=self.env, capture_output=True,
                                  text=True, timeout=DEADLINE_S, check=False).stdout

        shown = {log: run_as_nobody("run", "jobs.jsonl", "--db", f"own/{i}.db", "--log-file", log)
                 for i, log in enumerate(("d/run.log", "/dev/null", "/dev/full", "/dev/stderr"))}
        for text in shown.values():
            self.assertIn("1 of 1 job done", text)
        self.assertIn("run_ended", self.read("d/run.log"))
        self.assertIn("run_ended", shown["/dev/stderr"])
        run = ("run", "jobs.jsonl", "--db", "own/a.db")
        self.assertIn("ratebatch: --log-file d/new.log: cannot write to its folder",
                      run_as_nobody(*run, "--log-file", "d/new.log"))
        self.assertIn("ratebatch: --log-file jobs.jsonl.log: cannot write",
                      run_as_nobody(*run, "--log-file", "jobs.jsonl.log"))
        self.assertIn("ratebatch: --output d/out.jsonl: cannot write to its folder",
                      run_as_nobody(*run, "-o", "d/out.jsonl"))


if __name__ == "__main__":
    main()
