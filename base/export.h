#pragma once

/// Marks what a shared build of the library exports; empty in a static build.
/// Write it before every public function defined in a .cpp, and after `class` or `struct` of a
/// public type with members defined there: `class REEL_API Tensor { ... };`.
#if !defined(REEL_SHARED)
#define REEL_API
#elif !defined(_WIN32)
#define REEL_API __attribute__((visibility("default")))
#elif defined(REEL_BUILDING)
#define REEL_API __declspec(dllexport)
#else
#define REEL_API __declspec(dllimport)
#endif
