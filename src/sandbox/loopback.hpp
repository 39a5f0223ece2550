// Sockets of this machine only: the listening socket of the sandbox, and whether a request was
// meant for it.
#pragma once

#include <cstdint>
#include <string_view>

#include "ratebatch/base/descriptor.hpp"
#include "ratebatch/base/result.hpp"

namespace ratebatch::sandbox {

struct Listener {
  Descriptor socket;
  std::uint16_t port = 0;
};

// Listens on 127.0.0.1, on any free port for 0, with room for a thousand connections that arrive at
// once. Fails with invalid_input where the port is taken or not allowed, else with io.
Result<Listener> listen_on_loopback(std::uint16_t port);

// A descriptor that can be made readable from another thread. Fails with io.
Result<Descriptor> make_wake_descriptor();
void wake(const Descriptor& descriptor);

// Lets this process open as many descriptors as a thousand connections need on both ends, as far as
// its hard limit allows. Failing is not an error: fewer connections will do for most.
void raise_descriptor_limit();

// True for the Host header of a request that names this machine: localhost, 127.0.0.0/8 or [::1],
// with or without port. A web page that rebinds its own name to 127.0.0.1 sends that name.
bool is_loopback_host(std::string_view host);

}  // namespace ratebatch::sandbox
