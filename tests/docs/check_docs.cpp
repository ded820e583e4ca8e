// Holds what is written about Reel to what is compiled and printed.
//
//   check_docs page PAGE.md ROOT WORK -- COMPILER ARGUMENT...    every ```cpp block compiles, or is
//       that of the file named before it, `ops/ops.h`:, and every file named is there
//   check_docs run OUTPUT -- PROGRAM ARGUMENT...                 runs it and keeps what it prints
//   check_docs lesson README.md main.cpp OUTPUT                  code and output are the program's

#include <sys/wait.h>

#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

namespace {

struct Block {
  std::string language;
  std::size_t line = 0;  // where it begins in the file
  std::string before;    // the last line of text in front of it
  std::vector<std::string> lines;
};

std::vector<std::string> lines_of(const std::string& path) {
  std::ifstream file(path);
  if (!file) throw std::runtime_error("cannot read " + path);
  std::vector<std::string> lines;
  for (std::string line; std::getline(file, line);) lines.push_back(line);
  return lines;
}

std::vector<Block> blocks_of(const std::string& path, const std::string& language) {
  std::vector<Block> blocks;
  bool inside = false;
  Block block;
  std::string before;
  std::size_t number = 0;
  for (const std::string& line : lines_of(path)) {
    ++number;
    if (line.rfind("```", 0) != 0) {
      if (inside) {
        block.lines.push_back(line);
      } else if (!line.empty()) {
        before = line;
      }
    } else if (!inside) {
      inside = true;
      block = {.language = line.substr(3), .line = number, .before = before, .lines = {}};
    } else {
      inside = false;
      if (block.language == language) blocks.push_back(block);
    }
  }
  return blocks;
}

/// A command for the shell of these words, whatever they hold.
std::string quoted(const std::vector<std::string>& words) {
  std::string command;
  for (const std::string& word : words) {
    command += " '";
    for (const char c : word) command += c == '\'' ? std::string("'\\''") : std::string(1, c);
    command += "'";
  }
  return command;
}

struct Ran {
  int status = 0;
  std::string output;
};

Ran run(const std::string& command, bool echo) {
  std::FILE* pipe = popen(command.c_str(), "r");
  if (pipe == nullptr) throw std::runtime_error("cannot run" + command);
  Ran ran;
  char buffer[4096];
  for (std::size_t n; (n = std::fread(buffer, 1, sizeof buffer, pipe)) > 0;) {
    ran.output.append(buffer, n);
    if (echo) std::cout.write(buffer, static_cast<std::streamsize>(n)).flush();
  }
  const int status = pclose(pipe);
  ran.status = WIFEXITED(status) ? WEXITSTATUS(status) : 1;
  return ran;
}

// ---- whether what a text shows stands in a file

/// Code without spaces and comments, which differ between text and program.
std::string bare_code(std::string line) {
  if (const auto comment = line.find("//"); comment != std::string::npos) line.resize(comment);
  std::string bare;
  for (const char c : line) {
    if (c != ' ') bare += c;
  }
  return bare;
}

/// Whether a line matches, where `...` in the pattern stands for anything.
bool matches(const std::string& pattern, const std::string& line) {
  std::size_t at = 0, from = 0;
  for (;;) {
    const std::size_t dots = pattern.find("...", from);
    const std::string piece = pattern.substr(from, dots - from);
    const std::size_t found = line.find(piece, at);
    if (found == std::string::npos || (from == 0 && found != 0)) return false;
    at = found + piece.size();
    if (dots == std::string::npos) return at == line.size() || from != 0;
    from = dots + 3;
  }
}

/// The lines of code among these, bare.
std::vector<std::string> code_of(const std::vector<std::string>& lines) {
  std::vector<std::string> code;
  for (const std::string& line : lines) {
    if (!bare_code(line).empty()) code.push_back(bare_code(line));
  }
  return code;
}

/// The lines of a block that are not among `lines` in their order; "" if all are.
template <class Same>
std::string first_missing(const std::vector<std::string>& wanted,
                          const std::vector<std::string>& lines, const Same& same) {
  std::size_t at = 0;
  for (const std::string& line : wanted) {
    while (at < lines.size() && !same(line, lines[at])) ++at;
    if (at++ == lines.size()) return line;
  }
  return "";
}

// ---- every block of a page compiles, or is that of a file

/// A snippet as a file: includes and `using namespace` go to the top; what is left is either a
/// piece of a file or the statements of a function.
std::string as_file(const Block& block, bool in_function) {
  std::string top = "#include <reel/reel.h>\n", rest;
  for (const std::string& line : block.lines) {
    const bool is_top = line.rfind("#include", 0) == 0;
    (is_top ? top : rest) += line + "\n";
  }
  top += "using namespace reel;\n";
  return in_function ? top + "int main() {\n" + rest + "}\n" : top + rest;
}

/// Whether a word is the path of a file in the tree.
bool is_file(const std::string& word) {
  const std::size_t slash = word.rfind('/'), dot = word.rfind('.');
  return slash != std::string::npos && dot != std::string::npos && dot > slash &&
         word.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789_/.") == std::string::npos;
}

/// The file that a line ends in naming, as `ops/ops.h`:, or "".
std::string named_at_end(const std::string& line) {
  if (line.size() < 3 || line.substr(line.size() - 2) != "`:") return "";
  const std::size_t end = line.size() - 2, begin = line.rfind('`', end - 1);
  if (begin == std::string::npos) return "";
  const std::string word = line.substr(begin + 1, end - begin - 1);
  return is_file(word) ? word : "";
}

/// Tells of every `folder/file.ending` in the text that is not there, and how many there are.
int missing_files(const std::string& page, const std::string& root) {
  int missing = 0;
  std::size_t number = 0;
  bool fenced = false;
  for (const std::string& line : lines_of(page)) {
    ++number;
    if (line.rfind("```", 0) == 0) fenced = !fenced;
    if (fenced) continue;
    for (std::size_t at = line.find('`'); at != std::string::npos; at = line.find('`', at + 1)) {
      const std::size_t end = line.find('`', at + 1);
      if (end == std::string::npos) break;
      const std::string word = line.substr(at + 1, end - at - 1);
      at = end;
      if (!is_file(word) || std::ifstream(root + "/" + word)) continue;
      ++missing;
      std::cout << page << ":" << number << ": there is no " << word << "\n";
    }
  }
  return missing;
}

int check_page(const std::string& page, const std::string& root, const std::string& work,
               std::vector<std::string> compiler) {
  const std::vector<Block> blocks = blocks_of(page, "cpp");
  if (blocks.empty()) throw std::runtime_error(page + " has no ```cpp block");
  const std::string file = work + "/snippet.cpp";
  compiler.insert(compiler.end(), {"-fsyntax-only", file});
  int failed = missing_files(page, root);
  for (const Block& block : blocks) {
    if (const std::string source = named_at_end(block.before); !source.empty()) {
      const std::string missing =
          first_missing(code_of(block.lines), code_of(lines_of(root + "/" + source)), matches);
      if (missing.empty()) continue;
      ++failed;
      std::cout << page << ":" << block.line << ": this line is not in " << source
                << ", or not in this order:\n  " << missing << "\n";
      continue;
    }
    Ran tried[2];
    bool compiles = false;
    for (const bool in_function : {false, true}) {
      std::ofstream(file) << as_file(block, in_function);
      tried[in_function] = run(quoted(compiler) + " 2>&1", false);
      compiles = tried[in_function].status == 0;
      if (compiles) break;
    }
    if (compiles) continue;
    ++failed;
    std::cout << page << ":" << block.line << ": does not compile, neither in a file:\n"
              << tried[0].output << "nor in a function:\n"
              << tried[1].output;
  }
  std::cout << blocks.size() << " blocks of code, " << failed << " faults\n";
  return failed == 0 ? 0 : 1;
}

// ---- a lesson's text and its program

std::vector<std::string> words_of(const std::string& line) {
  // Brackets and commas are words of their own, so that numbers stand alone.
  std::string spaced;
  for (const char c : line) {
    const bool splits = std::string("[](),=").find(c) != std::string::npos;
    spaced += splits ? std::string(" ") + c + " " : std::string(1, c);
  }
  std::istringstream stream(spaced);
  std::vector<std::string> words;
  for (std::string word; stream >> word;) words.push_back(word);
  return words;
}

bool is_time_unit(const std::string& word) {
  for (const char* unit : {"ns", "us", "ms", "s"}) {
    if (word.rfind(unit, 0) == 0 && (word.size() == std::string(unit).size() ||
                                     word.compare(std::string(unit).size(), 5, "/step") == 0))
      return true;
  }
  return false;
}

/// Whether a printed line is the one in the text. Times may differ, and numbers by two percent: the
/// last digits depend on the machine's instructions.
bool same_output(const std::string& text, const std::string& printed) {
  const std::vector<std::string> a = words_of(text), b = words_of(printed);
  if (a.size() != b.size()) return false;
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (a[i] == b[i]) continue;
    char *end_a = nullptr, *end_b = nullptr;
    const double x = std::strtod(a[i].c_str(), &end_a), y = std::strtod(b[i].c_str(), &end_b);
    const bool numbers =
        end_a != a[i].c_str() && *end_a == 0 && end_b != b[i].c_str() && *end_b == 0;
    const bool times = i + 1 < a.size() && is_time_unit(a[i + 1]) && is_time_unit(b[i + 1]);
    if (numbers && (times || std::abs(x - y) <= 0.02 * std::abs(x) + 1e-4)) continue;
    if (is_time_unit(a[i]) && is_time_unit(b[i])) continue;
    return false;
  }
  return true;
}

int check_lesson(const std::string& readme, const std::string& source, const std::string& output) {
  const std::vector<std::string> code = code_of(lines_of(source));
  const std::vector<std::string> printed = lines_of(output);
  // The texts show what real data give; on others only the code can be compared.
  const bool drawn = first_missing({"DRAWN"}, printed, [](const auto& word, const auto& line) {
                       return line.find(word) != std::string::npos;
                     }).empty();

  int failed = 0;
  auto complain = [&](const Block& block, const std::string& missing, const std::string& where) {
    ++failed;
    std::cout << readme << ":" << block.line << ": this line is not in " << where
              << ", or not in this order:\n  " << missing << "\n";
  };
  const std::vector<Block> snippets = blocks_of(readme, "cpp");
  for (const Block& block : snippets) {
    if (const std::string missing = first_missing(code_of(block.lines), code, matches);
        !missing.empty())
      complain(block, missing, source);
  }
  const std::vector<Block> outputs = blocks_of(readme, "text");
  if (drawn && failed == 0) {
    std::cout << "the program had no real data, so its output cannot be compared\n";
    return 77;
  }
  for (const Block& block : outputs) {
    if (const std::string missing = first_missing(block.lines, printed, same_output);
        !missing.empty())
      complain(block, missing, "what the program prints");
  }
  std::cout << snippets.size() << " blocks of code, " << outputs.size() << " of output, " << failed
            << " differ\n";
  return failed == 0 && !snippets.empty() && !outputs.empty() ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  std::vector<std::string> words(argv + 1, argv + argc), command;
  for (std::size_t i = 0; i < words.size(); ++i) {
    if (words[i] != "--") continue;
    command.assign(words.begin() + static_cast<std::ptrdiff_t>(i) + 1, words.end());
    words.resize(i);
    break;
  }
  try {
    if (words.size() == 4 && words[0] == "page" && !command.empty())
      return check_page(words[1], words[2], words[3], command);
    if (words.size() == 2 && words[0] == "run" && !command.empty()) {
      const Ran ran = run(quoted(command), true);
      std::ofstream(words[1]) << ran.output;
      return ran.status;
    }
    if (words.size() == 4 && words[0] == "lesson")
      return check_lesson(words[1], words[2], words[3]);
    std::cout << "check_docs: see the head of its source for how to call it\n";
  } catch (const std::exception& error) {
    std::cout << "check_docs: " << error.what() << "\n";
  }
  return 2;
}
