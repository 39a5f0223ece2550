#include "sandbox/http_front.hpp"

#include <arpa/inet.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/http.h>
#include <event2/keyvalq_struct.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>

#include "ratebatch/base/ascii.hpp"
#include "ratebatch/base/assert.hpp"
#include "ratebatch/base/system_clock.hpp"

namespace ratebatch::sandbox {

namespace {

// Owners of what libevent hands out.
struct EventFree {
  void operator()(event_base* base) const { event_base_free(base); }
  void operator()(event_config* config) const { event_config_free(config); }
  void operator()(event* one) const { event_free(one); }
  void operator()(evhttp* http) const { evhttp_free(http); }
};
template <typename T>
using Owned = std::unique_ptr<T, EventFree>;

// An idle connection is closed after this time; clients keep theirs for less.
constexpr int idle_timeout_s = 120;

// By how much the Content-Length of a truncated answer is too long.
constexpr std::size_t truncated_bytes = 64;

Owned<event_base> make_base() {
  const Owned<event_config> config(event_config_new());
  if (!config) return nullptr;
  // Without it the time of the loop is a few milliseconds coarse, and answers may come early.
  event_config_set_flag(config.get(), EVENT_BASE_FLAG_PRECISE_TIMER);
  return Owned<event_base>(event_base_new_with_config(config.get()));
}

timeval to_timeval(Duration d) {
  const std::int64_t us = d.count() / 1000;
  return {us / 1'000'000, us % 1'000'000};
}

struct Method {
  evhttp_cmd_type type;
  std::string_view name;
};

constexpr std::array<Method, 7> methods = {{{EVHTTP_REQ_GET, "GET"},
                                            {EVHTTP_REQ_POST, "POST"},
                                            {EVHTTP_REQ_HEAD, "HEAD"},
                                            {EVHTTP_REQ_PUT, "PUT"},
                                            {EVHTTP_REQ_DELETE, "DELETE"},
                                            {EVHTTP_REQ_OPTIONS, "OPTIONS"},
                                            {EVHTTP_REQ_PATCH, "PATCH"}}};

std::string_view method_name(evhttp_cmd_type type) {
  const auto found = std::ranges::find(methods, type, &Method::type);
  return found == methods.end() ? "?" : found->name;
}

std::string_view view_of(const char* text) { return text == nullptr ? "" : text; }

// Views live as long as the request.
Question question_of(evhttp_request* request) {
  const evhttp_uri* uri = evhttp_request_get_evhttp_uri(request);
  Question question{.method = method_name(evhttp_request_get_command(request)),
                    .path = view_of(evhttp_uri_get_path(uri)),
                    .query = view_of(evhttp_uri_get_query(uri))};
  const evkeyvalq* headers = evhttp_request_get_input_headers(request);
  for (const evkeyval* one = headers->tqh_first; one != nullptr; one = one->next.tqe_next) {
    question.headers.push_back({one->key, one->value});
  }
  evbuffer* input = evhttp_request_get_input_buffer(request);
  const auto* body = reinterpret_cast<const char*>(evbuffer_pullup(input, -1));
  if (body != nullptr) question.body = std::string_view(body, evbuffer_get_length(input));
  return question;
}

// A host in the request line counts before the header (RFC 9112, 3.2.2).
bool is_meant_for_us(evhttp_request* request) {
  const char* in_uri = evhttp_uri_get_host(evhttp_request_get_evhttp_uri(request));
  const evkeyvalq* headers = evhttp_request_get_input_headers(request);
  return (in_uri == nullptr || names_this_machine(in_uri)) &&
         names_this_machine(view_of(evhttp_find_header(headers, "Host")));
}

// For the statuses that libevent has no phrase for; nullptr: its own.
const char* reason_of(int status) {
  if (status == 421) return "Misdirected Request";
  if (status == 429) return "Too Many Requests";
  if (status == 529) return "Overloaded";
  return nullptr;
}

// Hands the text over without a copy: it may be a large picture.
void add_body(evbuffer* buffer, std::string text) {
  auto owned = std::make_unique<std::string>(std::move(text));
  const auto release = [](const void* /*data*/, std::size_t /*size*/, void* string) {
    const std::unique_ptr<std::string> ends_here(static_cast<std::string*>(string));
  };
  const std::string& kept = *owned;
  RB_ASSERT(evbuffer_add_reference(buffer, kept.data(), kept.size(), release, owned.release()) ==
            0);
}

void send(evhttp_request* request, Reply reply) {
  evkeyvalq* headers = evhttp_request_get_output_headers(request);
  for (const Header& header : reply.headers) {
    evhttp_add_header(headers, header.name.c_str(), header.value.c_str());
  }
  add_body(evhttp_request_get_output_buffer(request), std::move(reply.body));
  evhttp_send_reply(request, reply.status, reason_of(reply.status), nullptr);
}

void send_truncated(evhttp_request* request, Reply reply) {
  reply.headers.push_back({"Content-Length", std::to_string(reply.body.size() + truncated_bytes)});
  reply.headers.push_back({"Connection", "close"});
  send(request, std::move(reply));
}

evutil_socket_t socket_of(evhttp_connection* connection) {
  return bufferevent_getfd(evhttp_connection_get_bufferevent(connection));
}

// Connecting a TCP socket to no address resets it at once. Closing it with SO_LINGER 0 does too,
// but libevent shuts the socket down first, and the client would see an orderly end.
void reset_connection(evhttp_connection* connection) {
  sockaddr nowhere{};
  nowhere.sa_family = AF_UNSPEC;
  // Fails only where the client was faster.
  [[maybe_unused]] const int failed = ::connect(socket_of(connection), &nowhere, sizeof nowhere);
  evhttp_connection_free(connection);
}

// A connection has at most one request in progress: libevent reads the next one after the answer.
struct Loop final : HttpFront {
  // A request that waits for its time: an admitted one, or one whose connection is to be closed.
  struct Pending {
    Loop* loop = nullptr;
    evhttp_connection* connection = nullptr;
    evhttp_request* request = nullptr;  // Owned by its connection until the reply is sent.
    std::optional<Admitted> admitted;
    Owned<event> due;
    Owned<event> left;
  };

  explicit Loop(Service& answering) : service(answering) {}

  void run() override { event_base_dispatch(base.get()); }

  Service& service;
  Owned<event_base> base = make_base();
  Owned<event> stop;
  std::unordered_map<evhttp_connection*, std::unique_ptr<Pending>> pending;
  // Last, because freeing it closes connections, and those call back into `pending`.
  Owned<evhttp> http;

  void on_request(evhttp_request* request) {
    if (!is_meant_for_us(request)) {
      return send(request, service.misdirected());
    }
    auto verdict = service.ask(question_of(request), system_now());
    Reply* reply = std::get_if<Reply>(&verdict);
    if (reply == nullptr) return hold(request, std::get<Admitted>(std::move(verdict)));
    if (reply->status == 0) return hold(request, std::nullopt);
    send(request, std::move(*reply));
  }

  // A connection cannot be closed while libevent calls for its request: `admitted` is absent then,
  // and the time has come at once.
  void hold(evhttp_request* request, std::optional<Admitted> admitted) {
    auto waiting = std::make_unique<Pending>();
    waiting->loop = this;
    waiting->request = request;
    waiting->connection = evhttp_request_get_connection(request);
    const bool hangs = admitted && admitted->fault == Fault::hang;
    const timeval delay = to_timeval(admitted ? admitted->delay : Duration{});
    waiting->admitted = std::move(admitted);

    // libevent does not read while a request is in progress, so it would not notice a client's end.
    waiting->left.reset(
        event_new(base.get(), socket_of(waiting->connection), EV_CLOSED, &on_left, waiting.get()));
    RB_ASSERT(waiting->left && event_add(waiting->left.get(), nullptr) == 0);
    evhttp_connection_set_closecb(waiting->connection, &on_closed, this);
    if (!hangs) {
      waiting->due.reset(evtimer_new(base.get(), &on_due, waiting.get()));
      RB_ASSERT(waiting->due && event_add(waiting->due.get(), &delay) == 0);
    }
    const bool is_new = pending.emplace(waiting->connection, std::move(waiting)).second;
    RB_ASSERT(is_new);
  }

  // Ends the request of this connection in the books; from then on no callback knows it.
  std::unique_ptr<Pending> take(evhttp_connection* connection, bool abandoned) {
    auto node = pending.extract(connection);
    RB_ASSERT(!node.empty());
    std::unique_ptr<Pending> waiting = std::move(node.mapped());
    waiting->due.reset();
    waiting->left.reset();
    evhttp_connection_set_closecb(connection, nullptr, nullptr);
    if (waiting->admitted) service.end(*waiting->admitted, abandoned, system_now());
    return waiting;
  }

  void answer(const Pending& waiting) {
    if (!waiting.admitted) return evhttp_connection_free(waiting.connection);
    const auto reply = [&] { return service.answer(*waiting.admitted, system_now().steady); };
    switch (waiting.admitted->fault) {
      case Fault::none:
      case Fault::error:
      case Fault::garbage:
        return send(waiting.request, reply());
      case Fault::truncate:
        return send_truncated(waiting.request, reply());
      case Fault::reset:
        return reset_connection(waiting.connection);
      case Fault::hang:
        RB_ASSERT(false);
    }
  }

  static void on_due(evutil_socket_t, short, void* waiting) {
    const Pending& due = *static_cast<Pending*>(waiting);
    Loop& loop = *due.loop;
    const std::unique_ptr<Pending> taken = loop.take(due.connection, false);
    loop.answer(*taken);
  }

  static void on_left(evutil_socket_t, short, void* waiting) {
    const Pending& gone = *static_cast<Pending*>(waiting);
    const std::unique_ptr<Pending> taken = gone.loop->take(gone.connection, true);
    evhttp_connection_free(taken->connection);
  }

  static void on_closed(evhttp_connection* connection, void* loop) {
    static_cast<Loop*>(loop)->take(connection, true);
  }
};

}  // namespace

bool names_this_machine(std::string_view host) {
  const std::size_t colon = host.rfind(':');
  const bool has_port =
      colon != std::string_view::npos && std::ranges::all_of(host.substr(colon + 1), is_digit);
  const std::string name = lower_case(has_port && host != "::1" ? host.substr(0, colon) : host);
  if (name == "localhost" || name == "[::1]") return true;
  in_addr address{};
  return ::inet_pton(AF_INET, name.c_str(), &address) == 1 && ntohl(address.s_addr) >> 24U == 127;
}

Result<std::unique_ptr<HttpFront>> HttpFront::open(Descriptor listener, int stop_descriptor,
                                                   Service& service) {
  auto loop = std::make_unique<Loop>(service);
  const auto no_memory = [] { return fail(ErrorCode::io, "sandbox: libevent could not start"); };
  if (!loop->base) return no_memory();
  loop->stop.reset(event_new(
      loop->base.get(), stop_descriptor, EV_READ,
      [](evutil_socket_t, short, void* base) {
        event_base_loopbreak(static_cast<event_base*>(base));
      },
      loop->base.get()));
  loop->http.reset(evhttp_new(loop->base.get()));
  if (!loop->stop || event_add(loop->stop.get(), nullptr) != 0 || !loop->http) return no_memory();

  evhttp* http = loop->http.get();
  evhttp_set_timeout(http, idle_timeout_s);
  evhttp_set_max_body_size(http, request_body_bytes_max);
  evhttp_set_max_headers_size(http, request_header_bytes_max);
  unsigned allowed = 0;
  for (const Method& method : methods) allowed |= static_cast<unsigned>(method.type);
  evhttp_set_allowed_methods(http, static_cast<ev_uint16_t>(allowed));
  evhttp_set_gencb(
      http,
      [](evhttp_request* request, void* self) { static_cast<Loop*>(self)->on_request(request); },
      loop.get());
  if (evhttp_accept_socket(http, listener.get()) != 0) return no_memory();
  listener.release();  // evhttp closes it.
  return loop;
}

}  // namespace ratebatch::sandbox
