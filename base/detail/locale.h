#pragma once

#include "reel/base/export.h"

namespace reel::detail {

/// Whether text for people may use more than ASCII: whether `LC_ALL`, `LC_CTYPE` or `LANG`, the
/// first that is set, asks for UTF-8. Read from the environment, as a library must not call
/// setlocale for its user and without that call every program's locale is C; and by its name, as
/// containers often ask for a locale that they have not installed.
REEL_API bool utf8_locale();

}  // namespace reel::detail
