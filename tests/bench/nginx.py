"""The stand-in for a provider: one nginx worker on a free loopback port.

| place | answers |
| --- | --- |
| /v1 | a fixed chat completion at once |
| /logged/v1 | the same; the length of each request's body goes to lengths.log |
| /after100/v1, /after500/v1 | after so many milliseconds |
| /around20/v1 | after 15 to 25 ms, drawn for each request: answers that do not march in step |
| /timed/v1 | after 5 ms; the time of each answer goes to times.log |
| /counted | how many requests there were |
"""

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import time
import urllib.request

from figures import BenchError

ECHO_MODULE = "/usr/lib/nginx/modules/ngx_http_echo_module.so"
START_DEADLINE_S = 10

CONTENT = ("Nina Simone was a singer, pianist and songwriter whose work moved between jazz, blues, "
           "folk and classical music. She trained as a pianist and brought that discipline to "
           "every stage she played. Her voice was low, plain and exact, and her songs about civil "
           "rights are still sung today in many lands.")
ANSWER = json.dumps({
    "id": "chatcmpl-9Xk2", "object": "chat.completion", "created": 1763800000,
    "model": "gpt-4o-mini",
    "choices": [{"index": 0, "message": {"role": "assistant", "content": CONTENT},
                 "logprobs": None, "finish_reason": "stop"}],
    "usage": {"prompt_tokens": 61, "completion_tokens": 64, "total_tokens": 125},
}, separators=(",", ":"))

CONFIGURATION = """\
load_module {module};
worker_processes 1;
daemon off;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {{ worker_connections 8192; }}
http {{
  access_log off;
  split_clients "$connection.$connection_requests" $around20 {{
    9% 0.015; 9% 0.016; 9% 0.017; 9% 0.018; 9% 0.019; 9% 0.020; 9% 0.021; 9% 0.022; 9% 0.023;
    9% 0.024; * 0.025;
  }}
  log_format length '$content_length';
  log_format moment '$msec';
  keepalive_requests 1000000000;
  keepalive_timeout 3600s;
  default_type application/json;
  client_body_temp_path {folder}/body;
  proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi;
  scgi_temp_path {folder}/scgi;
  server {{
    listen 127.0.0.1:{port} backlog=4096;
    location /v1/ {{ return 200 '{answer}'; }}
    location /logged/v1/ {{
      access_log {folder}/lengths.log length;
      return 200 '{answer}';
    }}
    location /around20/v1/ {{ echo_sleep $around20; echo '{answer}'; }}
    location /after100/v1/ {{ echo_sleep 0.1; echo '{answer}'; }}
    location /after500/v1/ {{ echo_sleep 0.5; echo '{answer}'; }}
    location /timed/v1/ {{
      access_log {folder}/times.log moment;
      echo_sleep 0.005;
      echo '{answer}';
    }}
    location = /counted {{ stub_status; }}
  }}
}}
"""


def program():
    """nginx, which Debian keeps where only root looks."""
    search = os.pathsep.join([os.environ.get("PATH", os.defpath), "/usr/sbin"])
    found = shutil.which("nginx", path=search)
    if not found or not os.path.exists(ECHO_MODULE):
        raise BenchError("nginx and its echo module are needed: apt-get install nginx "
                         "libnginx-mod-http-echo")
    return found


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


class Nginx:
    """Serves from open() to close()."""

    def __init__(self, folder):
        self.folder = folder
        self._process = None

    def open(self):
        os.makedirs(self.folder)
        # Where somebody else took the port in between, the next one does.
        for _ in range(5):
            self.port = free_port()
            if self._start():
                return
        raise BenchError(f"nginx does not start: {self._complaint()}")

    def _start(self):
        path = os.path.join(self.folder, "nginx.conf")
        with open(path, "w", encoding="utf-8") as file:
            file.write(CONFIGURATION.format(module=ECHO_MODULE, folder=self.folder,
                                            port=self.port, answer=ANSWER))
        with open(os.path.join(self.folder, "output"), "w", encoding="utf-8") as output:
            self._process = subprocess.Popen(
                [program(), "-c", path, "-p", self.folder,
                 "-e", os.path.join(self.folder, "error.log")], stdin=subprocess.DEVNULL,
                stdout=output, stderr=output, start_new_session=True)
        deadline = time.monotonic() + START_DEADLINE_S
        while time.monotonic() < deadline and self._process.poll() is None:
            try:
                with socket.create_connection(("127.0.0.1", self.port), timeout=1):
                    return True
            except OSError:
                time.sleep(0.01)
        self.close()
        return False

    def _complaint(self):
        with open(os.path.join(self.folder, "output"), encoding="utf-8") as file:
            return file.read().strip()[-500:]

    def close(self):
        if self._process and self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
            try:
                self._process.wait(timeout=START_DEADLINE_S)
            except subprocess.TimeoutExpired:
                os.killpg(self._process.pid, signal.SIGKILL)
                self._process.wait()

    def base_url(self, place=""):
        return f"http://127.0.0.1:{self.port}{place}/v1"

    def requests(self):
        """How many requests there were before this one."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/counted", timeout=10) as reply:
            text = reply.read().decode()
        match = re.search(r"^\s*(\d+)\s+(\d+)\s+(\d+)\s*$", text, re.MULTILINE)
        return int(match.group(3)) - 1

    def take_log(self, name):
        """The numbers in a log, which is empty afterwards."""
        self.requests()  # One worker: when it answers this, what came before is in the log.
        path = os.path.join(self.folder, name)
        with open(path, "r+", encoding="utf-8") as file:
            numbers = [float(line) for line in file if line.strip() not in ("", "-")]
            file.truncate(0)
        return numbers
