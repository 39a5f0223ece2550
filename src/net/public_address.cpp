#include "net/public_address.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>

namespace ratebatch::net {
namespace {

struct Block {
  std::uint32_t address;
  unsigned bits;  // 1 to 32.
};

constexpr std::uint32_t v4(std::uint32_t a, std::uint32_t b, std::uint32_t c = 0) {
  return a << 24U | b << 16U | c << 8U;
}

// Of the registry those that are not globally reachable, and multicast.
constexpr std::array<Block, 15> special_v4 = {{
    {v4(0, 0), 8},           // This network.
    {v4(10, 0), 8},          // Private.
    {v4(100, 64), 10},       // Shared, behind a carrier's NAT.
    {v4(127, 0), 8},         // Loopback.
    {v4(169, 254), 16},      // Link-local: metadata of clouds.
    {v4(172, 16), 12},       // Private.
    {v4(192, 0, 0), 24},     // IETF protocols.
    {v4(192, 0, 2), 24},     // Documentation.
    {v4(192, 88, 99), 24},   // 6to4 relays, withdrawn.
    {v4(192, 168), 16},      // Private.
    {v4(198, 18), 15},       // Benchmarks.
    {v4(198, 51, 100), 24},  // Documentation.
    {v4(203, 0, 113), 24},   // Documentation.
    {v4(224, 0), 4},         // Multicast.
    {v4(240, 0), 4},         // Reserved, and broadcast.
}};

bool is_public_v4(std::uint32_t address) {
  return std::none_of(special_v4.begin(), special_v4.end(), [&](const Block& block) {
    const unsigned host_bits = 32 - block.bits;
    return address >> host_bits == block.address >> host_bits;
  });
}

using BytesV6 = std::array<std::uint8_t, 16>;

std::uint32_t v4_at(const BytesV6& bytes, std::size_t at) {
  return std::uint32_t{bytes[at]} << 24U | std::uint32_t{bytes[at + 1]} << 16U |
         std::uint32_t{bytes[at + 2]} << 8U | bytes[at + 3];
}

template <std::size_t Size>
bool starts_with(const BytesV6& bytes, const std::array<std::uint8_t, Size>& prefix) {
  return std::equal(prefix.begin(), prefix.end(), bytes.begin());
}

bool is_public_v6(const BytesV6& bytes) {
  constexpr std::array<std::uint8_t, 12> mapped = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF};
  constexpr std::array<std::uint8_t, 12> nat64 = {0, 0x64, 0xFF, 0x9B};  // RFC 6052.
  constexpr std::array<std::uint8_t, 2> six_to_four = {0x20, 0x02};
  constexpr std::array<std::uint8_t, 4> documentation = {0x20, 0x01, 0x0D, 0xB8};
  if (starts_with(bytes, mapped) || starts_with(bytes, nat64)) {
    return is_public_v4(v4_at(bytes, 12));
  }
  if (starts_with(bytes, six_to_four)) return is_public_v4(v4_at(bytes, 2));
  if (starts_with(bytes, documentation)) return false;
  // 3fff::/20 is for documentation, 2001::/23 for IETF protocols such as Teredo, which tunnels.
  if (bytes[0] == 0x3F && bytes[1] == 0xFF && bytes[2] < 0x10) return false;
  if (bytes[0] == 0x20 && bytes[1] == 0x01 && bytes[2] < 0x02) return false;
  // Only 2000::/3 is global unicast.
  return bytes[0] >> 5U == 1;
}

BytesV6 bytes_of(const in6_addr& address) {
  BytesV6 bytes{};
  std::copy_n(std::begin(address.s6_addr), bytes.size(), bytes.begin());
  return bytes;
}

}  // namespace

bool is_public(const sockaddr& address) {
  if (address.sa_family == AF_INET) {
    return is_public_v4(ntohl(reinterpret_cast<const sockaddr_in&>(address).sin_addr.s_addr));
  }
  if (address.sa_family == AF_INET6) {
    return is_public_v6(bytes_of(reinterpret_cast<const sockaddr_in6&>(address).sin6_addr));
  }
  return false;
}

std::optional<bool> is_public(const std::string& text) {
  in_addr address{};
  if (inet_pton(AF_INET, text.c_str(), &address) == 1) {
    return is_public_v4(ntohl(address.s_addr));
  }
  const bool has_brackets = text.size() >= 2 && text.front() == '[' && text.back() == ']';
  std::string inner = has_brackets ? text.substr(1, text.size() - 2) : text;
  inner.resize(std::min(inner.size(), inner.find('%')));  // A zone, which link-local ones have.
  in6_addr v6{};
  if (inet_pton(AF_INET6, inner.c_str(), &v6) != 1) return std::nullopt;
  return is_public_v6(bytes_of(v6));
}

std::string text_of(const sockaddr& address) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  const void* bytes = nullptr;
  if (address.sa_family == AF_INET) {
    bytes = &reinterpret_cast<const sockaddr_in&>(address).sin_addr;
  } else if (address.sa_family == AF_INET6) {
    bytes = &reinterpret_cast<const sockaddr_in6&>(address).sin6_addr;
  }
  if (bytes == nullptr || inet_ntop(address.sa_family, bytes, text.data(),
                                    static_cast<socklen_t>(text.size())) == nullptr) {
    return "an address of family " + std::to_string(address.sa_family);
  }
  return text.data();
}

}  // namespace ratebatch::net
