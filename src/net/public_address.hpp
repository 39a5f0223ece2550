// Which addresses belong to the public internet, by IANA's registries of special-purpose addresses
// (RFC 6890) and of IPv6 global unicast.
#pragma once

#include <sys/socket.h>

#include <optional>
#include <string>

namespace ratebatch::net {

// False for loopback, private, link-local, shared, documentation, benchmark, multicast and reserved
// addresses, for IPv6 forms that carry one of those as IPv4 (mapped, NAT64, 6to4), and for all
// that is neither IPv4 nor IPv6. Precondition: the address is as long as its family demands.
bool is_public(const sockaddr& address);

// The same of an address as text, IPv6 with or without brackets; nullopt for what is no address.
std::optional<bool> is_public(const std::string& text);

// The address as text, for messages; "an address of family N" for families without one.
std::string text_of(const sockaddr& address);

}  // namespace ratebatch::net
