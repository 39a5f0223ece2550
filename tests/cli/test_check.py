"""`check` on every form of job file and every API: it shows what would be sent, and sends none."""

import json
import os
import re

import harness
from harness import CANARY, CliTestCase

CONFIGURATION = """\
providers:
  openai: {keys: "env:TEST_KEY_*"}
  own:
    api: http
    base_url: https://own.example/v2
    keys: [env:TEST_KEY_1]
    http: {path: "/run/{{model}}", body: {text: "{{prompt}}", steps: 4}, key_header: {name: X-Own}}
models:
  mini: {provider: openai, id: gpt-4o-mini}
  whisper: {provider: openai, id: whisper-1}
  claude: {provider: anthropic, id: claude-sonnet-4-5}
  flash: {provider: gemini, id: gemini-2.5-flash}
  voice: {provider: elevenlabs, id: eleven_v3, limits: {concurrency: 2}, params: {voice: ada}}
  flux: {provider: together, id: black-forest-labs/FLUX.1-schnell}
  mine: {provider: own, kind: image}
types:
  email: {model: mini, prompt: "Write to {{name}}, {{city|here}}."}
"""

README = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../jobs/README.md")

KEYS = {"TEST_KEY_1": CANARY, "TEST_KEY_2": CANARY, "ANTHROPIC_API_KEY": CANARY,
        "GEMINI_API_KEY": CANARY, "ELEVENLABS_API_KEY": CANARY, "TOGETHER_API_KEY": CANARY}


class CheckFormsTest(CliTestCase):
    def setUp(self):
        super().setUp()
        self.write("ratebatch.yaml", CONFIGURATION)

    def check_it(self, *arguments, code=0):
        finished = self.run_cli("check", *arguments, env=KEYS)
        self.check_code(finished, code)
        self.assertNotIn(CANARY, finished.stdout + finished.stderr)
        return finished

    def write_lines(self, name, *lines):
        self.write(name, "".join(json.dumps(line) + "\n" for line in lines))

    def test_it_says_which_forms_it_saw(self):
        batch = {"custom_id": "b", "method": "POST", "url": "/v1/embeddings",
                 "body": {"model": "openai/text-embedding-3-small", "input": "x"}}
        self.write_lines("a.jsonl", batch, {"id": 1, "model": "mini", "prompt": "x"},
                         {"model": "mini", "messages": [{"role": "user", "content": "x"}]},
                         {"model": "mini", "input": "x", "metadata": {"row": 1}})
        self.write("leads.csv", "id,name\n1x,Ann\n")
        finished = self.check_it("a.jsonl", "leads.csv", "--type", "email", "--id-column", "id")
        self.assertIn("5 lines: 1 job of our own form, 1 OpenAI Batch, 2 requests of a parallel "
                      "script, 1 row of CSV\n5 jobs, all lines right\n", finished.stdout)
        self.assertIn("  asks     POST https://api.openai.com/v1/embeddings\n", finished.stdout)
        line = self.check_it("a.jsonl", "--json").json_lines()[0]
        self.assertEqual({"native": 1, "batch": 1, "script": 2}, line["forms"])
        shown = self.check_it("a.jsonl", "--show", "a-4", "--json").json_lines()[0]
        self.assertEqual(("https://api.openai.com/v1/responses",
                          {"model": "gpt-4o-mini", "input": "x"}), (shown["url"], shown["body"]))

    def test_each_lane_says_where_it_goes_and_patterns_of_keys_are_resolved(self):
        lanes = {lane["model"]: lane for lane in self.check_it("--json").json_lines()[0]["lanes"]}
        self.assertEqual([("TEST_KEY_1", True), ("TEST_KEY_2", True)],
                         [(key["key"], key["present"]) for key in lanes["mini"]["keys"]])
        self.assertEqual({"mini": "chat", "whisper": "transcription", "claude": "chat",
                          "flash": "chat", "voice": "speech", "flux": "image", "mine": "image"},
                         {name: lane["kind"] for name, lane in lanes.items()})
        self.assertEqual("anthropic", lanes["claude"]["api"])

    def test_the_request_of_each_api_is_shown(self):
        self.write("sound.mp3", "ID3" + "x" * 97)
        self.write_lines(
            "jobs.jsonl",
            *({"id": name, "model": name, "prompt": "p"}
              for name in ("mini", "claude", "flash", "voice", "flux", "mine")),
            {"id": "whisper", "model": "whisper", "files": "sound.mp3"})
        finished = self.check_it("jobs.jsonl")
        for url in ("https://api.openai.com/v1/chat/completions",
                    "https://api.anthropic.com/v1/messages",
                    "https://generativelanguage.googleapis.com/v1beta/models/gemini-2.5-flash"
                    ":generateContent",
                    "https://api.elevenlabs.io/v1/text-to-speech/ada",
                    "https://api.together.ai/v1/images/generations",
                    "https://own.example/v2/run/mine",
                    "https://api.openai.com/v1/audio/transcriptions"):
            self.assertIn(f"  asks     POST {url}", finished.stdout)
        text = self.check_it("jobs.jsonl", "--show", "whisper").stdout
        self.assertIn("\nfile: <100 bytes of audio/mpeg> (sound.mp3)\n", text)
        self.assertIn("\nmodel: whisper-1\n", text)
        parts = self.check_it("jobs.jsonl", "--show", "whisper", "--json").json_lines()[0]["body"]
        self.assertIn({"name": "file", "file": "sound.mp3", "media_type": "audio/mpeg",
                       "bytes": 100}, parts)
        text = self.check_it("jobs.jsonl", "--show", "mine").stdout
        self.assertIn("X-Own: [key TEST_KEY_1]\n", text)
        self.assertEqual({"steps": 4, "text": "p"}, json.loads(text.partition("\n\n")[2]))

    def test_base64_is_shown_by_its_size(self):
        self.write("picture.png", "\x89PNG" + "x" * 2000)
        self.write_lines("jobs.jsonl", {"id": "a", "model": "mini", "prompt": "What is it?",
                                        "files": ["picture.png"]})
        text = self.check_it("jobs.jsonl", "--show", "a").stdout
        self.assertRegex(text, r'"url": "data:<2,00\d bytes of image/png>"')

    def test_files_that_are_not_there_are_named(self):
        self.write_lines("jobs.jsonl", {"id": "a", "model": "whisper", "files": "sound.mp3"},
                         {"id": "b", "model": "whisper", "files": "none.mp3"})
        self.write("sound.mp3", "ID3")
        finished = self.check_it("jobs.jsonl", code=2)
        self.assertRegex(finished.stderr, r"(?m)^jobs\.jsonl:2: .*none\.mp3")
        self.assertNotIn("jobs.jsonl:1:", finished.stderr)

    def test_what_an_api_cannot_be_asked_is_found_before_it_is_paid_for(self):
        self.write_lines("jobs.jsonl",
                         {"id": "a", "model": "elevenlabs/eleven_flash_v2", "prompt": "p"})
        finished = self.check_it("jobs.jsonl", code=2)
        self.assertIn("job 'a' cannot be sent: ", finished.stderr)
        self.assertIn("voice", finished.stderr)

    def test_a_right_job_is_shown_beside_the_lines_that_are_bad(self):
        self.write_lines("jobs.jsonl", {"id": "x", "modle": "mini"},
                         {"id": "a", "model": "mini", "prompt": "p"}, {"id": "b"})
        for arguments, right in ((["--show", "a"], True), (["--show", "b"], False), ([], False)):
            finished = self.check_it("jobs.jsonl", *arguments, code=2)
            self.assertEqual(right, finished.stdout.startswith(
                "POST https://api.openai.com/v1/chat/completions\n"), finished.stdout)
            self.assertRegex(finished.stderr, r"(?m)^jobs\.jsonl:1: .*modle")
            self.assertRegex(finished.stderr, r"(?m)^jobs\.jsonl:3: ")

    def test_the_lines_that_the_readme_shows_for_vllm_are_enough(self):
        with open(README, encoding="utf-8") as readme:
            lines = re.search(r"```yaml\n(providers:\n  vllm:.*?)```", readme.read(), re.S)[1]
        self.write("ratebatch.yaml", lines)
        model = "meta-llama/Meta-Llama-3-8B-Instruct"
        bodies = {"/v1/chat/completions": {"messages": [{"role": "user", "content": "Hello"}]},
                  "/v1/score": {"queries": "a", "documents": ["b", "c"]}}
        self.write_lines("batch.jsonl", *({"custom_id": url, "method": "POST", "url": url,
                                           "body": {"model": model, **body}}
                                          for url, body in bodies.items()))
        finished = self.check_it("batch.jsonl")
        self.assertIn("  asks     POST http://127.0.0.1:8000/v1/chat/completions\n",
                      finished.stdout)
        self.check_code(self.run_cli("run", "batch.jsonl", "--sandbox", "-q"), 0)

    def test_columns_may_have_blanks_and_umlauts(self):
        self.write("ratebatch.yaml", CONFIGURATION +
                   "  size: {model: mini, prompt: 'For {{First Name}}, {{ Größe (cm) }}'}\n")
        self.write("people.csv", "id,First Name,Größe (cm)\n1,Ann,180\n")
        shown = self.check_it("people.csv", "--type", "size", "--id-column", "id", "--show", "1")
        self.assertIn("For Ann, 180", shown.stdout)

    def test_a_model_keeps_the_key_header_of_its_provider(self):
        self.write("ratebatch.yaml", CONFIGURATION.replace(
            "kind: image}", "kind: image, http: {path: /lim}}"))
        self.write_lines("jobs.jsonl", {"id": "mine", "model": "mine", "prompt": "p"})
        text = self.check_it("jobs.jsonl", "--show", "mine").stdout
        self.assertTrue(text.startswith("POST https://own.example/v2/lim\n"), text)
        self.assertIn("X-Own: [key TEST_KEY_1]\n", text)

    def test_a_csv_file_needs_its_options_and_its_columns_are_listed(self):
        self.write("leads.csv", "id,name\n1,Ann\n")
        finished = self.check_it("leads.csv", code=2)
        self.assertIn("leads.csv: a CSV file needs --type T and --id-column C; its columns are id, "
                      "name", finished.stderr)
        shown = self.check_it("leads.csv", "--type", "email", "--id-column", "id", "--show", "1")
        self.assertIn("Write to Ann, here.", shown.stdout)

    def test_a_batch_line_for_another_api_is_refused(self):
        self.write_lines("jobs.jsonl", {"custom_id": "b", "method": "POST",
                                        "url": "/v1/chat/completions",
                                        "body": {"model": "claude", "messages": []}})
        finished = self.check_it("jobs.jsonl", code=2)
        self.assertIn("provider 'anthropic' speaks 'anthropic'", finished.stderr)


if __name__ == "__main__":
    harness.main()
