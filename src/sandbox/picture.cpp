#include "sandbox/picture.hpp"

#include <algorithm>
#include <array>
#include <vector>

#include "ratebatch/base/random.hpp"

namespace ratebatch::sandbox {
namespace {

constexpr std::int64_t side_min = 64;
constexpr std::size_t stored_block_max = 65'535;  // RFC 1951, 3.2.4: LEN has 16 bits.

struct Colour {
  std::int64_t red = 0;
  std::int64_t green = 0;
  std::int64_t blue = 0;
};

struct Disc {
  std::int64_t x = 0;
  std::int64_t y = 0;
  std::int64_t radius = 0;
  Colour colour;
};

void put_u32(std::string& out, std::uint32_t value) {
  for (const unsigned shift : {24U, 16U, 8U, 0U}) {
    out += static_cast<char>((value >> shift) & 0xFFU);
  }
}

void put_u16_little(std::string& out, std::size_t value) {
  out += static_cast<char>(value & 0xFFU);
  out += static_cast<char>((value >> 8U) & 0xFFU);
}

// The table of the CRC that PNG uses (PNG specification, annex D).
constexpr std::array<std::uint32_t, 256> make_crc_table() {
  std::array<std::uint32_t, 256> table{};
  for (std::uint32_t n = 0; n < table.size(); ++n) {
    std::uint32_t c = n;
    for (int k = 0; k < 8; ++k) c = (c & 1U) != 0 ? 0xEDB88320U ^ (c >> 1U) : c >> 1U;
    table[n] = c;
  }
  return table;
}

std::uint32_t crc32(std::string_view bytes) {
  static constexpr std::array<std::uint32_t, 256> table = make_crc_table();
  std::uint32_t c = 0xFFFFFFFFU;
  for (const char byte : bytes) {
    c = table[(c ^ static_cast<unsigned char>(byte)) & 0xFFU] ^ (c >> 8U);
  }
  return c ^ 0xFFFFFFFFU;
}

// The content of an IDAT chunk as it comes: a zlib stream of stored blocks.
class ZlibStored {
 public:
  // So many bytes will be put. `out` outlives the writer.
  ZlibStored(std::string& out, std::size_t bytes) : out_(out), to_come_(bytes) {
    out_ += std::string_view("\x78\x01", 2);  // Deflate with a window of 32 KiB; checked bits.
  }

  void put(std::string_view bytes) {
    for (const char byte : bytes) {
      a_ = (a_ + static_cast<unsigned char>(byte)) % adler_base;
      b_ = (b_ + a_) % adler_base;
    }
    while (!bytes.empty()) {
      if (room_ == 0) begin_block();
      const std::string_view part = bytes.substr(0, room_);
      out_ += part;
      room_ -= part.size();
      bytes.remove_prefix(part.size());
    }
  }

  void finish() { put_u32(out_, (b_ << 16U) | a_); }

 private:
  static constexpr std::uint32_t adler_base = 65'521;  // RFC 1950, section 9.

  void begin_block() {
    room_ = std::min(to_come_, stored_block_max);
    to_come_ -= room_;
    out_ += to_come_ == 0 ? '\x01' : '\x00';
    put_u16_little(out_, room_);
    put_u16_little(out_, ~room_);
  }

  std::string& out_;
  std::size_t to_come_;
  std::size_t room_ = 0;  // Of the block that was begun.
  std::uint32_t a_ = 1;
  std::uint32_t b_ = 0;
};

std::size_t zlib_stored_size(std::size_t bytes) {
  return 2 + (bytes + stored_block_max - 1) / stored_block_max * 5 + bytes + 4;
}

// Appends a chunk of so many bytes, which `write` appends.
template <typename Write>
void put_chunk(std::string& out, std::string_view type, std::size_t bytes, Write write) {
  put_u32(out, static_cast<std::uint32_t>(bytes));
  const std::size_t from = out.size();
  out += type;
  write();
  put_u32(out, crc32(std::string_view(out).substr(from)));
}

Colour draw_colour(Rng& rng) {
  return {rng.between(0, 255), rng.between(0, 255), rng.between(0, 255)};
}

Colour between(const Colour& a, const Colour& b, std::int64_t at, std::int64_t of) {
  const auto part = [&](std::int64_t x, std::int64_t y) { return x + (y - x) * at / of; };
  return {part(a.red, b.red), part(a.green, b.green), part(a.blue, b.blue)};
}

// The bytes of all rows, each behind its filter byte.
std::size_t scanline_bytes(std::int64_t side) {
  return static_cast<std::size_t>(side * (1 + 3 * side));
}

// Rows of red, green and blue bytes, each behind its filter byte (0: none).
void put_scanlines(ZlibStored& out, std::int64_t side, Rng rng) {
  const Colour top = draw_colour(rng);
  const Colour bottom = draw_colour(rng);
  std::vector<Disc> discs(3);
  for (Disc& disc : discs) {
    disc = {rng.between(0, side - 1), rng.between(0, side - 1), rng.between(side / 12, side / 3),
            draw_colour(rng)};
  }
  std::string row;
  for (std::int64_t y = 0; y < side; ++y) {
    row.assign(1, '\0');
    const Colour ground = between(top, bottom, y, side - 1);
    for (std::int64_t x = 0; x < side; ++x) {
      Colour pixel = ground;
      for (const Disc& d : discs) {
        const std::int64_t dx = x - d.x;
        const std::int64_t dy = y - d.y;
        if (dx * dx + dy * dy <= d.radius * d.radius) pixel = d.colour;
      }
      for (const std::int64_t value : {pixel.red, pixel.green, pixel.blue}) {
        row += static_cast<char>(static_cast<unsigned char>(value));
      }
    }
    out.put(row);
  }
}

}  // namespace

std::string picture_png(std::uint64_t number, std::int64_t bytes_min) {
  std::int64_t side = side_min;
  while (side * (1 + 3 * side) < bytes_min) ++side;

  std::string header;
  put_u32(header, static_cast<std::uint32_t>(side));
  put_u32(header, static_cast<std::uint32_t>(side));
  // 8 bits a channel, truecolour, the only compression and filter methods, not interlaced.
  header += std::string("\x08\x02\x00\x00\x00", 5);

  const std::size_t rows = scanline_bytes(side);
  const std::size_t data = zlib_stored_size(rows);
  std::string png = "\x89PNG\r\n\x1A\n";
  png.reserve(data + 100);
  put_chunk(png, "IHDR", header.size(), [&] { png += header; });
  put_chunk(png, "IDAT", data, [&] {
    ZlibStored zlib(png, rows);
    put_scanlines(zlib, side, Rng(number));
    zlib.finish();
  });
  put_chunk(png, "IEND", 0, [] {});
  return png;
}

std::string base64(std::string_view bytes) {
  std::string out;
  out.reserve(base64_size(bytes.size()));
  append_base64(out, bytes);
  return out;
}

void append_base64(std::string& out, std::string_view bytes) {
  constexpr std::string_view letters =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  for (std::size_t at = 0; at < bytes.size(); at += 3) {
    const std::size_t have = std::min<std::size_t>(3, bytes.size() - at);
    std::uint32_t group = 0;
    for (std::size_t i = 0; i < 3; ++i) {
      group = (group << 8U) | (i < have ? static_cast<unsigned char>(bytes[at + i]) : 0U);
    }
    for (std::size_t i = 0; i < 4; ++i) {
      out += i <= have ? letters[(group >> (18U - 6U * i)) & 0x3FU] : '=';
    }
  }
}

}  // namespace ratebatch::sandbox
