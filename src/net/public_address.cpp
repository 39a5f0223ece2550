#include "net/public_address.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <span>

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

// Of 2000::/3, by the first 32 bits: documentation twice, and IETF protocols such as Teredo, which
// tunnels.
constexpr std::array<Block, 3> special_v6 = {
    {{0x2001'0DB8, 32}, {0x3FFF'0000, 20}, {0x2001'0000, 23}}};

bool is_in(std::span<const Block> blocks, std::uint32_t address) {
  return std::ranges::any_of(blocks, [&](const Block& block) {
    const unsigned host_bits = 32 - block.bits;
    return address >> host_bits == block.address >> host_bits;
  });
}

bool is_public_v4(const in_addr& address) { return !is_in(special_v4, ntohl(address.s_addr)); }

bool is_public_v6(const in6_addr& address) {
  std::array<std::uint32_t, 4> words{};
  std::memcpy(words.data(), &address, sizeof words);
  for (std::uint32_t& word : words) word = ntohl(word);
  const bool is_mapped = words[0] == 0 && words[1] == 0 && words[2] == 0xFFFF;
  const bool is_nat64 = words[0] == 0x0064'FF9B && words[1] == 0 && words[2] == 0;  // RFC 6052.
  if (is_mapped || is_nat64) return !is_in(special_v4, words[3]);
  const bool is_6to4 = words[0] >> 16U == 0x2002;
  if (is_6to4) return !is_in(special_v4, words[0] << 16U | words[1] >> 16U);
  // Only 2000::/3 is global unicast.
  return words[0] >> 29U == 1 && !is_in(special_v6, words[0]);
}

}  // namespace

bool is_public(const sockaddr& address) {
  if (address.sa_family == AF_INET) {
    return is_public_v4(reinterpret_cast<const sockaddr_in&>(address).sin_addr);
  }
  if (address.sa_family == AF_INET6) {
    return is_public_v6(reinterpret_cast<const sockaddr_in6&>(address).sin6_addr);
  }
  return false;
}

std::optional<bool> is_public(const std::string& text) {
  in_addr address{};
  if (inet_pton(AF_INET, text.c_str(), &address) == 1) return is_public_v4(address);
  const bool has_brackets = text.size() >= 2 && text.front() == '[' && text.back() == ']';
  std::string inner = has_brackets ? text.substr(1, text.size() - 2) : text;
  inner.resize(std::min(inner.size(), inner.find('%')));  // A zone, which link-local ones have.
  in6_addr v6{};
  if (inet_pton(AF_INET6, inner.c_str(), &v6) != 1) return std::nullopt;
  return is_public_v6(v6);
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
