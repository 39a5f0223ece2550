#include "net/tls_servers.hpp"

#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <fstream>
#include <utility>

#include "ratebatch/base/assert.hpp"

namespace ratebatch {
namespace {

std::string location_behind(std::uint16_t port) {
  if (port == 0) return "";
  return "location /behind { proxy_pass http://127.0.0.1:" + std::to_string(port) + "; }\n";
}

// "return" answers before the body is there; behind proxy_pass it is read first.
std::string nginx_configuration(const std::string& folder, std::uint16_t port,
                                std::uint16_t behind) {
  const std::string inner = "unix:" + folder + "/inner.sock";
  return "daemon off; master_process off; pid " + folder + "/nginx.pid;\n" +
         "error_log stderr notice;\nevents { worker_connections 512; }\nhttp {\n" +
         "client_body_temp_path " + folder + "; proxy_temp_path " + folder +
         "; fastcgi_temp_path " + folder + "; uwsgi_temp_path " + folder + "; scgi_temp_path " +
         folder + ";\nlog_format line '$request_method $server_protocol';\naccess_log off;\n" +
         "server { listen " + inner + "; location / { return 200 $http_x_protocol; } }\n" +
         "server { listen 127.0.0.1:" + std::to_string(port) +
         " reuseport ssl http2; ssl_certificate " + folder + "/certificate.pem;\n" +
         "ssl_certificate_key " + folder + "/key.pem; access_log " + folder +
         "/access.log line;\nkeepalive_requests 7;\n" +
         "location /early { return 429 $server_protocol; }\n" + location_behind(behind) +
         "location / { proxy_pass http://" + inner +
         ":/; proxy_set_header X-Protocol $server_protocol; } } }\n";
}

// Runs in the child, between fork and exec.
[[noreturn]] void become(std::vector<char*> arguments, int output) {
  dup2(output, STDOUT_FILENO);
  dup2(output, STDERR_FILENO);
  dup2(open("/dev/null", O_RDONLY | O_CLOEXEC), STDIN_FILENO);
  arguments.push_back(nullptr);
  execvp(arguments[0], arguments.data());
  _exit(127);
}

}  // namespace

ChildProcess::ChildProcess(const std::vector<std::string>& command) {
  int ends[2] = {-1, -1};
  RB_ASSERT(pipe2(ends, O_CLOEXEC) == 0);
  std::vector<std::string> copies = command;
  std::vector<char*> arguments;
  for (std::string& argument : copies) arguments.push_back(argument.data());
  pid_ = fork();
  RB_ASSERT(pid_ >= 0);
  if (pid_ == 0) become(std::move(arguments), ends[1]);
  close(ends[1]);
  output_ = ends[0];
}

ChildProcess::~ChildProcess() {
  if (pid_ > 0) {
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
  }
  close(output_);
}

std::string ChildProcess::read_line() {
  std::string line;
  char c = 0;
  while (read(output_, &c, 1) == 1) {
    if (c == '\n') return line;
    line += c;
  }
  return line;
}

void ChildProcess::terminate() {
  kill(pid_, SIGTERM);
  succeeded();
}

bool ChildProcess::succeeded() {
  int status = 0;
  const pid_t ended = waitpid(std::exchange(pid_, -1), &status, 0);
  return ended > 0 && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

bool make_certificate(const std::string& folder, const std::string& subject_alt_name) {
  ChildProcess openssl({"openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                        "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-subj",
                        "/CN=ratebatch test", "-addext", "subjectAltName=" + subject_alt_name,
                        "-keyout", folder + "/key.pem", "-out", folder + "/certificate.pem"});
  while (!openssl.read_line().empty()) {
  }
  return openssl.succeeded();
}

OpensslServer::OpensslServer(const std::string& folder)
    : process_({"openssl", "s_server", "-accept", "127.0.0.1:0", "-www", "-cert",
                folder + "/certificate.pem", "-key", folder + "/key.pem"}) {
  const std::string prefix = "ACCEPT 127.0.0.1:";
  std::string line = process_.read_line();
  while (!line.empty() && !line.starts_with(prefix)) line = process_.read_line();
  RB_ASSERT(line.starts_with(prefix));
  port_ = line.substr(prefix.size());
}

bool is_nginx_installed() {
  ChildProcess nginx({"nginx", "-v"});
  return nginx.succeeded();
}

NginxServer::Reservation NginxServer::reserve_port() {
  const int descriptor = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const int yes = 1;
  RB_ASSERT(setsockopt(descriptor, SOL_SOCKET, SO_REUSEPORT, &yes, sizeof(yes)) == 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t length = sizeof(address);
  auto* generic = reinterpret_cast<sockaddr*>(&address);
  RB_ASSERT(bind(descriptor, generic, length) == 0);
  RB_ASSERT(getsockname(descriptor, generic, &length) == 0);
  return {.descriptor = descriptor, .port = ntohs(address.sin_port)};
}

std::vector<std::string> NginxServer::command(const std::string& folder, std::uint16_t port,
                                              std::uint16_t behind) {
  std::ofstream(folder + "/nginx.conf") << nginx_configuration(folder, port, behind);
  return {"nginx", "-p", folder, "-e", "stderr", "-c", folder + "/nginx.conf"};
}

NginxServer::NginxServer(const std::string& folder, std::uint16_t behind)
    : reservation_(reserve_port()), process_(command(folder, reservation_.port, behind)) {
  // It says so only after it has begun to listen.
  std::string line = process_.read_line();
  while (!line.empty() && line.find("event method") == std::string::npos) {
    line = process_.read_line();
  }
  RB_ASSERT(!line.empty());
}

NginxServer::~NginxServer() {
  process_.terminate();  // Gently: it has log lines to write.
  close(reservation_.descriptor);
}

}  // namespace ratebatch
