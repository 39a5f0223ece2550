"""Asks the stand-in provider in each of its APIs, with nothing but Python's own library: what comes
back is what the program's results are compared with.
"""

import base64
import json
import urllib.request
import uuid

TIMEOUT_S = 60


def post(url, body, headers):
    """The reply's body as bytes, and its headers."""
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    headers = {"Content-Type": "application/json", **headers}
    request = urllib.request.Request(url, data=data, headers=headers)
    with urllib.request.urlopen(request, timeout=TIMEOUT_S) as reply:
        return reply.read(), reply.headers


def post_json(url, body, headers):
    return json.loads(post(url, body, headers)[0])


def multipart(fields, file_name, file_bytes):
    """A form with one file: its body and its Content-Type."""
    boundary = uuid.uuid4().hex
    parts = [f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
             for name, value in fields.items()]
    parts.append(f'--{boundary}\r\nContent-Disposition: form-data; name="file"; '
                 f'filename="{file_name}"\r\nContent-Type: audio/wav\r\n\r\n')
    body = "".join(parts).encode() + file_bytes + f"\r\n--{boundary}--\r\n".encode()
    return body, {"Content-Type": f"multipart/form-data; boundary={boundary}"}


class OpenAi:
    api = "openai"

    def __init__(self, root, key="expected"):
        self.url = f"{root}/{self.api}/v1"
        self.headers = {"Authorization": f"Bearer {key}"}

    def chat(self, model, prompt, max_tokens):
        reply = post_json(f"{self.url}/chat/completions", {
            "model": model, "max_tokens": max_tokens,
            "messages": [{"role": "user", "content": prompt}]}, self.headers)
        usage = reply["usage"]
        return (reply["choices"][0]["message"]["content"],
                usage["prompt_tokens"], usage["completion_tokens"])

    def responses(self, model, prompt, max_tokens):
        reply = post_json(f"{self.url}/responses", {
            "model": model, "max_output_tokens": max_tokens, "input": prompt}, self.headers)
        text = "".join(part["text"] for item in reply["output"] if item["type"] == "message"
                       for part in item["content"] if part["type"] == "output_text")
        return text, reply["usage"]["input_tokens"], reply["usage"]["output_tokens"]

    def embedding(self, model, prompt):
        return post_json(f"{self.url}/embeddings", {"model": model, "input": prompt},
                         self.headers)

    def image(self, model, prompt):
        reply = post_json(f"{self.url}/images/generations", {"model": model, "prompt": prompt},
                          self.headers)
        return [base64.b64decode(item["b64_json"]) for item in reply["data"]]

    def speech(self, model, text, voice, form):
        return post(f"{self.url}/audio/speech", {
            "model": model, "input": text, "voice": voice, "response_format": form},
            self.headers)[0]

    def transcription(self, model, file_name, file_bytes):
        body, kind = multipart({"model": model, "response_format": "json"}, file_name, file_bytes)
        return post_json(f"{self.url}/audio/transcriptions", body, {**self.headers, **kind})["text"]


class Together(OpenAi):
    api = "together"

    def image(self, model, prompt):
        reply = post_json(f"{self.url}/images/generations", {
            "model": model, "prompt": prompt, "response_format": "base64"}, self.headers)
        return [base64.b64decode(item["b64_json"]) for item in reply["data"]]


class Anthropic:
    def __init__(self, root, key="expected"):
        self.url = f"{root}/anthropic/v1"
        self.headers = {"x-api-key": key, "anthropic-version": "2023-06-01"}

    def chat(self, model, prompt, max_tokens):
        reply = post_json(f"{self.url}/messages", {
            "model": model, "max_tokens": max_tokens,
            "messages": [{"role": "user", "content": prompt}]}, self.headers)
        text = "".join(part["text"] for part in reply["content"] if part["type"] == "text")
        return text, reply["usage"]["input_tokens"], reply["usage"]["output_tokens"]


class Gemini:
    def __init__(self, root, key="expected"):
        self.url = f"{root}/gemini/v1"
        self.headers = {"x-goog-api-key": key}

    def _ask(self, model, prompt, settings):
        return post_json(f"{self.url}/models/{model}:generateContent", {
            "contents": [{"role": "user", "parts": [{"text": prompt}]}],
            "generationConfig": settings}, self.headers)

    def chat(self, model, prompt, max_tokens):
        reply = self._ask(model, prompt, {"maxOutputTokens": max_tokens})
        usage = reply["usageMetadata"]
        text = "".join(part.get("text", "") for part in reply["candidates"][0]["content"]["parts"])
        return text, usage["promptTokenCount"], usage["candidatesTokenCount"]

    def image(self, model, prompt):
        reply = self._ask(model, prompt, {"responseModalities": ["TEXT", "IMAGE"]})
        return [base64.b64decode(part["inlineData"]["data"])
                for part in reply["candidates"][0]["content"]["parts"] if "inlineData" in part]


class ElevenLabs:
    def __init__(self, root, key="expected"):
        self.url = f"{root}/elevenlabs/v1"
        self.headers = {"xi-api-key": key}

    def speech(self, model, text, voice, form):
        return post(f"{self.url}/text-to-speech/{voice}?output_format={form}",
                    {"text": text, "model_id": model}, self.headers)[0]

    def transcription(self, model, file_name, file_bytes):
        body, kind = multipart({"model_id": model}, file_name, file_bytes)
        return post_json(f"{self.url}/speech-to-text", body, {**self.headers, **kind})["text"]
