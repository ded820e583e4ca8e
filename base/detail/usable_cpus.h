#pragma once

#include <filesystem>

namespace reel::detail {

/// The CPUs whose time a process may use up: those it is bound to (`bound`), or fewer where a quota
/// of its control groups (versions 1 and 2), as containers have, ends earlier; never below 1.
/// `root` is the folder that holds `proc` and `sys`.
int usable_cpus(int bound, const std::filesystem::path& root = "/");

}  // namespace reel::detail
