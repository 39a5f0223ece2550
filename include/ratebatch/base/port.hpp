// What the interfaces between the floors have in common: they are used by reference, and never
// copied.
#pragma once

namespace ratebatch::inline base {

class Port {
 public:
  Port(const Port&) = delete;
  Port& operator=(const Port&) = delete;
  virtual ~Port() = default;

 protected:
  Port() = default;
};

}  // namespace ratebatch::inline base
