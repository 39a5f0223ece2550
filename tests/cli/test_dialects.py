"""Every API through the real program and the stand-in provider: results, usage, cost and files are
compared with what the stand-in answers when it is asked directly.
"""

import glob
import json
import math
import os
import struct

import apis
from harness import CliTestCase, main



def wav(seconds, tone_hz):
    """A small WAV file: 8 kHz, 16 bit, one channel."""
    samples = b"".join(struct.pack("<h", int(9000 * math.sin(tone_hz * i / 1273)))
                       for i in range(int(8000 * seconds)))
    return (b"RIFF" + struct.pack("<I", 36 + len(samples)) + b"WAVEfmt "
            + struct.pack("<IHHIIHH", 16, 1, 1, 8000, 16000, 2, 16)
            + b"data" + struct.pack("<I", len(samples)) + samples)


class DialectTest(CliTestCase):
    def setUp(self):
        super().setUp()
        self.env["SOME_KEY"] = "sk-some"
        _, base_url = self.start_sandbox("--latency", "5ms", "--seed", "7")
        self.root = base_url.removesuffix("/v1")

    def configure(self, api, models, extra=""):
        self.write("ratebatch.yaml", f"""\
providers:
  here:
    api: {api}
    base_url: {self.root}/{api}/v1
    keys: [env:SOME_KEY]
models:
{models}
{extra}""")

    def run_jobs(self, jobs, code=0):
        """Runs these jobs; returns the results by id."""
        self.write("jobs.jsonl", "".join(json.dumps(job) + "\n" for job in jobs))
        self.check_code(self.run_cli("run", "jobs.jsonl", "--quiet"), code)
        return {result["id"]: result for result in self.run_cli("results").json_lines()}

    def check_text(self, result, expected, model, price):
        text, input_tokens, output_tokens = expected
        self.assertEqual("done", result["status"])
        self.assertEqual(model, result["model"])
        self.assertEqual(text, result["text"])
        self.assertEqual({"input_tokens": input_tokens, "output_tokens": output_tokens},
                         result["usage"])
        cost = (input_tokens * price[0] + output_tokens * price[1]) / 1e6
        self.assertAlmostEqual(cost, result["cost_usd"], places=12)

    def check_chats(self, api, server, way="chat", kind="chat"):
        self.configure(api, f"  m: {{provider: here, id: a-model, kind: {kind}, "
                            "price: {input: 2, output: 10}}")
        prompts = {f"t-{i}": f"Say something about the number {i}, ünd äuch 漢字." for i in range(12)}
        results = self.run_jobs([{"id": name, "model": "m", "prompt": prompt,
                                  "params": {"max_tokens": 40 + 10 * i}}
                                 for i, (name, prompt) in enumerate(prompts.items())])
        truncated = 0
        for i, (name, prompt) in enumerate(prompts.items()):
            expected = getattr(server, way)("a-model", prompt, 40 + 10 * i)
            self.check_text(results[name], expected, "m", (2, 10))
            truncated += expected[2] == 40 + 10 * i
        status = self.status()
        self.assertEqual(truncated, status["jobs"]["truncated"])
        self.assertAlmostEqual(sum(result["cost_usd"] for result in results.values()),
                               status["cost_usd"], places=9)

    def check_files(self, result, expected, extension):
        self.assertEqual(len(expected), len(result["files"]), result)
        for path, content in zip(result["files"], expected):
            self.assertTrue(path.endswith("." + extension), path)
            with open(self.path(path), "rb") as file:
                self.assertEqual(content, file.read())
            self.assertEqual(0o600, os.stat(self.path(path)).st_mode & 0o777)

    def check_nothing_left_over(self, files):
        below = [os.path.join(folder, name)
                 for folder, _, names in os.walk(self.path("ratebatch-assets")) for name in names]
        self.assertEqual(files, len(below), below)

    def check_images(self, api, server):
        self.configure(api, "  m: {provider: here, id: an-image-model, kind: image, "
                            "price: {image: 0.04}}")
        prompts = {f"../p/{i}": f"A picture of {i} herons." for i in range(6)}
        results = self.run_jobs([{"id": name, "model": "m", "prompt": prompt}
                                 for name, prompt in prompts.items()])
        for name, prompt in prompts.items():
            self.check_files(results[name], server.image("an-image-model", prompt), "png")
            self.assertEqual(1, results[name]["usage"]["images"])
            self.assertAlmostEqual(0.04, results[name]["cost_usd"])
        self.check_nothing_left_over(len(prompts))

    def check_speech(self, api, server, voice, form, extension):
        self.configure(api, "  m: {provider: here, id: a-voice, kind: speech, "
                            "price: {characters: 0.00002}}")
        texts = {f"s-{i}": f"Next on the programme: träck {i}." for i in range(6)}
        results = self.run_jobs([{"id": name, "model": "m", "prompt": text,
                                  "params": {"voice": voice, "format": form}}
                                 for name, text in texts.items()])
        for name, text in texts.items():
            self.check_files(results[name], [server.speech("a-voice", text, voice, form)],
                             extension)
            self.assertEqual(len(text), results[name]["usage"]["characters"])
            self.assertAlmostEqual(len(text) * 0.00002, results[name]["cost_usd"])
        self.check_nothing_left_over(len(texts))

    def check_transcriptions(self, api, server):
        self.configure(api, "  m: {provider: here, id: an-ear, kind: transcription}")
        os.mkdir(self.path("audio"))
        recordings = {f"audio/r{i}.wav": wav(0.05 + i / 100, 100 + i) for i in range(4)}
        for name, content in recordings.items():
            with open(self.path(name), "wb") as file:
                file.write(content)
        results = self.run_jobs([{"id": name, "model": "m", "files": [name]}
                                 for name in recordings])
        for name, content in recordings.items():
            expected = server.transcription("an-ear", os.path.basename(name), content)
            self.assertEqual(expected, results[name]["text"])
        self.assertEqual(len(recordings), len({result["text"] for result in results.values()}))

    def test_openai_chat(self):
        self.check_chats("openai", apis.OpenAi(self.root))

    def test_openai_responses(self):
        self.check_chats("openai", apis.OpenAi(self.root), "responses", "responses")

    def test_openai_images(self):
        self.check_images("openai", apis.OpenAi(self.root))

    def test_openai_speech(self):
        self.check_speech("openai", apis.OpenAi(self.root), "nova", "wav", "wav")

    def test_a_whole_body_for_speech_is_priced_by_its_characters(self):
        self.configure("openai", "  m: {provider: here, id: a-voice, kind: speech, "
                                 "price: {characters: 0.00002}}")
        results = self.run_jobs([{"custom_id": "s", "method": "POST", "url": "/v1/audio/speech",
                                  "body": {"model": "m", "input": "Träck!", "voice": "nova",
                                           "response_format": "wav"}}])
        self.check_files(results["s"], [apis.OpenAi(self.root).speech("a-voice", "Träck!", "nova",
                                                                      "wav")], "wav")
        self.assertEqual(6, results["s"]["usage"]["characters"])
        self.assertAlmostEqual(6 * 0.00002, results["s"]["cost_usd"])

    def test_openai_transcriptions(self):
        self.check_transcriptions("openai", apis.OpenAi(self.root))

    def test_openai_embeddings(self):
        self.configure("openai", "  m: {provider: here, id: an-embedding, kind: embedding}")
        results = self.run_jobs([{"id": f"e{i}", "model": "m", "prompt": f"words {i}"}
                                 for i in range(5)])
        for i in range(5):
            expected = apis.OpenAi(self.root).embedding("an-embedding", f"words {i}")
            self.assertEqual(expected["data"], results[f"e{i}"]["body"]["data"])
            self.assertEqual(expected["usage"]["prompt_tokens"],
                             results[f"e{i}"]["usage"]["input_tokens"])

    def test_together_chat(self):
        self.check_chats("together", apis.Together(self.root))

    def test_together_images(self):
        self.check_images("together", apis.Together(self.root))

    def test_anthropic_messages(self):
        self.check_chats("anthropic", apis.Anthropic(self.root))

    def test_gemini_text(self):
        self.check_chats("gemini", apis.Gemini(self.root))

    def test_gemini_images(self):
        self.check_images("gemini", apis.Gemini(self.root))

    def test_elevenlabs_speech(self):
        self.check_speech("elevenlabs", apis.ElevenLabs(self.root), "rachel", "mp3_44100_128",
                          "mp3")

    def test_elevenlabs_transcriptions(self):
        self.check_transcriptions("elevenlabs", apis.ElevenLabs(self.root))

    def test_announced_links_are_fetched_and_their_files_are_the_same(self):
        self.env["TOGETHER_API_KEY"] = "unused"
        self.write("ratebatch.yaml", """\
models:
  m: {provider: together, id: an-image-model, kind: image, params: {response_format: url}}
""")
        prompts = {f"p{i}": f"A picture of {i} herons." for i in range(6)}
        self.write("jobs.jsonl", "".join(
            json.dumps({"id": name, "model": "m", "prompt": prompt}) + "\n"
            for name, prompt in prompts.items()))
        self.check_code(self.run_cli("run", "jobs.jsonl", "--sandbox=latency=5ms,seed=7"), 0)
        results = {line["id"]: line for line in self.run_cli("results").json_lines()}
        for name, prompt in prompts.items():
            self.check_files(results[name],
                             apis.Together(self.root).image("an-image-model", prompt), "png")
        self.check_nothing_left_over(len(prompts))

    def test_an_api_that_only_its_configuration_knows(self):
        self.write("ratebatch.yaml", f"""\
providers:
  mine:
    api: http
    base_url: {self.root}/http/quill
    keys: [env:SOME_KEY]
    http:
      path: /v2/{{{{model}}}}/write
      key_header: {{name: X-Token, prefix: ""}}
      body: {{text: "{{{{prompt}}}}", length: "{{{{max_tokens}}}}", options: {{plain: true}}}}
      result: /output
      usage: {{input_tokens: /usage/input_tokens, output_tokens: /usage/output_tokens}}
models:
  quill: {{provider: mine, price: {{input: 1, output: 1}}}}
""")
        results = self.run_jobs([{"id": f"h{i}", "model": "quill", "prompt": f"tell {i}",
                                  "params": {"max_tokens": 90}} for i in range(5)])
        for i in range(5):
            expected = apis.post_json(f"{self.root}/http/quill/v2/quill/write", {
                "text": f"tell {i}", "length": 90, "options": {"plain": True}}, {"X-Token": "a"})
            result = results[f"h{i}"]
            self.assertEqual(expected["output"], result["text"])
            self.assertEqual(expected["usage"], result["usage"])


class CorpusTest(CliTestCase):
    """Serves every recorded reply of an API once, and compares each job's end. Each has a provider
    and a model of its own, so that a refused key or a wait concerns no other.
    """

    CORPUS = os.path.join(os.environ["RATEBATCH_SOURCE_DIR"], "tests", "corpus")
    # Corpora of servers that are not one of the stand-in's own APIs.
    SPEAKS = {"compatible": "openai"}
    # Long enough for what does not wait, short enough for a test.
    ENOUGH = ("--no-wait", "--max-runtime", "10s", "--grace", "5s", "--workers", "64")

    @staticmethod
    def http_of(case):
        """The provider's `http:` as the corpus says it."""
        told = case["http"]
        groups = {"usage": ["input_tokens", "output_tokens", "characters"],
                  "error": ["error_message", "error_code"]}
        http = {"path": "/ask", "body": {"text": "{{prompt}}"}}
        http |= {name: told[name] for name in ("result", "finish_reason") if name in told}
        for group, names in groups.items():
            members = {name.removeprefix("error_"): told[name] for name in names if name in told}
            if members:
                http[group] = members
        return json.dumps(http)  # JSON is YAML.

    @staticmethod
    def job_of(api, case):
        mark = f"[[{case['name']}]]"
        if case["kind"] == "raw":
            return {"custom_id": case["name"], "method": "POST", "url": "/v1/score",
                    "body": {"model": case["name"], "text_1": mark, "text_2": "other"}}
        job = {"id": case["name"], "model": case["name"]}
        if case.get("raw_body"):
            job["body"] = {"model": case["name"],
                           "messages": [{"role": "user", "content": f"Raw {mark}"}]}
            if api == "anthropic":
                job["body"]["max_tokens"] = 50
            return job
        job["prompt"] = f"Case {mark}"
        if case["kind"] == "transcription":
            # The mark stands in the recording where the API takes no prompt.
            job["files"] = [case["name"] + ".wav"]
            if api != "gemini":
                del job["prompt"]
        if case["kind"] == "speech" and api != "http":
            job["params"] = {"voice": "nova"}
        return job

    def configure(self, api, root, cases):
        providers, models = "", ""
        for case in cases:
            name = case["name"]
            base = f"{root}/http/{name}" if api == "http" else f"{root}/{api}/v1"
            providers += (f"  {name}:\n    api: {api}\n    base_url: {base}\n"
                          f"    keys: [env:SOME_KEY]\n")
            providers += f"    http: {self.http_of(case)}\n" if api == "http" else ""
            kind = "" if case["kind"] == "raw" else f"kind: {case['kind']}, "
            models += f"  {name}: {{provider: {name}, {kind}timeout: 5s}}\n"
        self.env["RATEBATCH_CONFIG"] = self.path("corpus.yaml")
        self.write("corpus.yaml", f"""\
providers:
{providers}
models:
{models}
retry:
  rate_limit: {{retries: 5, base: 10ms, max: 50ms}}
  concurrency: {{retries: 3, base: 10ms, max: 50ms}}
  server: {{retries: 3, base: 1ms, max: 10ms}}
""")

    def states(self):
        found = {line["id"]: (line["status"], line.get("error"))
                 for line in self.run_cli("results").json_lines()}
        return lambda name: found.get(name, ("pending", None))

    def check_corpus(self, corpus):
        api = self.SPEAKS.get(corpus, corpus)
        replies = os.path.join(self.CORPUS, corpus + ".jsonl")
        with open(replies, encoding="utf-8") as file:
            cases = [json.loads(line) for line in file if line.strip()]
        self.assertGreater(len(cases), 10)
        self.env["SOME_KEY"] = "sk-some"
        # The stand-in has to know what each http API is to look like.
        self.configure(api, "http://127.0.0.1:1", cases)
        _, base_url = self.start_sandbox("--latency", "1ms", "--replies", replies)
        self.configure(api, base_url.removesuffix("/v1"), cases)
        for case in cases:
            if case["kind"] == "transcription":
                with open(self.path(case["name"] + ".wav"), "wb") as file:
                    file.write(wav(0.01, 100) + f"[[{case['name']}]]".encode())
        self.write("jobs.jsonl", "".join(json.dumps(self.job_of(api, case)) + "\n" for case in cases))
        self.run_cli("run", "jobs.jsonl", "--db", corpus + ".db", *self.ENOUGH)
        self.env["RATEBATCH_DB"] = corpus + ".db"
        first = self.states()
        served = self.stats(base_url)["scripted"]
        # Waits that are too long for a test are lifted: then the job must be done.
        waiting = [case["name"] for case in cases
                   if case["final"] == "done" and first(case["name"])[0] == "pending"]
        for name in waiting:
            self.check_code(self.run_cli("quota", "reset", name), 0)
        if waiting:
            self.run_cli("run", *self.ENOUGH)
        second = self.states()
        wrong = []
        for case in cases:
            name, final = case["name"], case["final"]
            state = (second if final == "done" else first)(name)
            if served.get(name, 0) != case.get("times", 1):
                wrong.append(f"{name}: was served {served.get(name, 0)} times")
            elif state[0] != final:
                wrong.append(f"{name}: expected {final}, was {state}")
        print(f"{corpus}: {len(cases)} replies, {len(waiting)} waits lifted")
        self.assertEqual([], wrong)

    def test_every_corpus_is_served(self):
        names = sorted(os.path.basename(path).removesuffix(".jsonl")
                       for path in glob.glob(os.path.join(self.CORPUS, "*.jsonl")))
        self.assertEqual(["anthropic", "compatible", "elevenlabs", "gemini", "http", "openai",
                          "together"], names)
        for corpus in names:
            with self.subTest(corpus=corpus):
                self.check_corpus(corpus)


if __name__ == "__main__":
    main()
