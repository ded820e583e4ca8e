# One installed header, line for line, as Doxygen is to see it; `group` is that of its folder.
#
# What a header declares joins the group where the namespace opens and closes. Left out is what cannot
# be called, functions that are deleted and overloads that only say in a static_assert how to write it;
# what containers of modules let them be walked by, from `reel_self` to their private part; and tables
# that macros make functions of.

{ line[NR] = $0 }
/static_assert\(detail::never</ { never[NR] = 1 }
/ = delete;/ { deleted[NR] = 1 }
/^ *#include ".*\.inc"/ { line[NR] = "" }
/^  using reel_self = / { line[NR] = "/** @cond */ " $0; hidden = 1 }
/^( private:|};)/ && hidden { line[NR] = "/** @endcond */ " $0; hidden = 0 }
/^namespace reel/ && !/detail/ { line[NR] = $0 " /** @addtogroup " group " */ /** @{ */" }
/^}  \/\/ namespace reel/ && !/detail/ { line[NR] = "/** @} */ " $0 }
END {
  for (i in deleted) {
    line[i] = ""
    for (j = i - 1; line[j] ~ /^ *(template <|requires)/; j--) line[j] = ""
  }
  for (i in never) {
    for (j = i + 0; j && line[j] !~ /^ *template </; j--) line[j] = ""
    line[j] = ""
    for (j = i + 0; j < NR && line[j] !~ /^ *}/; j++) line[j] = ""
    line[j] = ""
  }
  for (i = 1; i <= NR; i++) print line[i]
}
