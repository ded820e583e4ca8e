# One page as Doxygen is to see it: headings get the anchors that GitHub gives them. Links become
# Doxygen's: to a page or a heading a reference; to another file of the tree, which the site does not
# have, its text alone. `page` is its path, `pages` all of theirs; links that lead nowhere are added
# to the file `problems`.

function id_of(path) { gsub(/[^A-Za-z0-9]/, "_", path); return path }
function slug(title) {
  title = tolower(title); gsub(/[^a-z0-9 _-]/, "", title); gsub(/ /, "-", title); return title
}
function resolved(link,   parts, n, i, kept, path) {
  path = page; sub(/[^\/]*$/, "", path); n = split(path link, parts, "/"); kept = 0
  for (i = 1; i <= n; i++)
    if (parts[i] == "..") kept--; else if (parts[i] != ".") parts[++kept] = parts[i]
  path = parts[1]; for (i = 2; i <= kept; i++) path = path "/" parts[i]
  return path
}
function exists(path) { return system("test -e \"" path "\"") == 0 }
BEGIN { count = split(pages, list, " "); for (i = 1; i <= count; i++) is_page[list[i]] = 1 }
/^ *```/ { fenced = !fenced }
!fenced && match($0, /^#+ /) {
  title = substr($0, RLENGTH + 1)
  $0 = $0 " {#" id_of(page) (headings++ ? "_" slug(title) : "") "}"
}
!fenced {
  rest = $0; line = ""
  while (match(rest, /\[[^]]*\]\([^)]*\)/)) {
    whole = substr(rest, RSTART, RLENGTH); text = whole; sub(/\].*/, "", text)
    text = substr(text, 2)
    link = whole; sub(/^.*\]\(/, "", link); sub(/\)$/, "", link)
    before = substr(rest, 1, RSTART - 1); rest = substr(rest, RSTART + RLENGTH)
    split(link, half, "#"); path = half[1] == "" ? page : resolved(half[1])
    if (link ~ /^(https?:|@ref )/ || gsub(/`/, "`", before) % 2) made = whole
    else if (!exists(path)) { print page ":" NR ": link to " link >> problems; made = text }
    else if (page == "tutorials/README.md" && path in is_page)
      made = "@subpage " id_of(path) " \"" text "\""
    else if (path in is_page && path != "docs/index.md")
      made = "[" text "](@ref " id_of(path) (half[2] == "" ? "" : "_" half[2]) ")"
    else made = text
    line = line before made
  }
  $0 = line rest
}
{ print }
