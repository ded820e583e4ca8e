# Doxygen's warnings, with what is undocumented as `file:line: not documented: name`; `stage` is the
# folder of the headers that it read. Not held to be undocumented are
#   - what the compiler writes: `= default`;
#   - begin and end, and the types that an iterator or a random engine must name;
#   - members that are public because their struct is an aggregate, but of an internal type;
#   - what options have by being some: told at optim::Limits.
# And Doxygen speaks of names that it was told to leave out.

/detail::complete|fmt::formatter/ { next }
function excused(file, line, name,   n, text, declaration) {
  n = 0; declaration = ""
  while ((getline text < (stage file)) > 0)
    if (++n >= line && n < line + 6) {
      declaration = declaration text "\n"
      if (text ~ /[;}]/) break
    }
  close(stage file)
  return declaration ~ /= default;/ || declaration ~ /^ *detail::/ ||
    name ~ /(^| )(begin|end|min|max)\(\)/ || name ~ /^check\(const auto/ ||
    name ~ /^(iterator_category|(value|difference|result)_type|reference|pointer) /
}
/ is not documented\.$/ {
  name = $0
  sub(/^[^ ]* warning: (Member|Compound) /, "", name)
  sub(/ is not documented\.$/, "", name)
  if (!excused($1, $2, name)) print $1 ":" $2 ": not documented: " name
  next
}
{ print }
