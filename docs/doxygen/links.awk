# Over all HTML files: what the pages point at, a file or a place in one, and is not there. (Between
# its own pages Doxygen sets anchors that do not exist.)

{
  rest = $0
  while (match(rest, /(href|src|id|name)="[^"]*"/)) {
    attribute = substr(rest, RSTART, RLENGTH); rest = substr(rest, RSTART + RLENGTH)
    value = attribute; sub(/^[a-z]*="/, "", value); sub(/"$/, "", value)
    if (attribute ~ /^(id|name)=/) there[FILENAME "#" value] = 1
    else if (value !~ /^([a-z]+:|$)/) {
      if (value ~ /^#/) value = FILENAME value; else value = "./" value
      if (FILENAME ~ /^\.\/(index\.html|docs_|tutorials_)/) from[value] = FILENAME
    }
  }
}
END {
  for (value in from) {
    split(value, half, "#")
    if (system("test -e \"" half[1] "\"") != 0 || half[2] != "" && !(value in there))
      print from[value] ": link to " value
  }
}
