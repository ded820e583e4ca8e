#include "reel/train/callbacks/csv_logger.h"

#include <string_view>

#include "reel/base/detail/file.h"
#include "reel/base/fail.h"

namespace reel::train {
namespace {

constexpr const char* op = "CSVLogger";

std::string quoted(const std::string& name, char separator) {
  if (name.find_first_of(std::string("\"\r\n") + separator) == std::string::npos) return name;
  std::string text = "\"";
  for (const char c : name) text += c == '"' ? "\"\"" : std::string(1, c);
  return text + '"';
}

std::string header_of(const History& history, char separator) {
  std::string text = "epoch";
  for (const std::string& name : history.names()) text += separator + quoted(name, separator);
  return text + '\n';
}

std::string rows_of(const History& history, char separator) {
  const std::vector<std::string> names = history.names();
  std::string text;
  for (Size i = 0; i < history.epochs(); ++i) {
    text += std::to_string(history.first_epoch() + i);
    for (const std::string& name : names) {
      const double value = history[name][static_cast<std::size_t>(i)];
      text += fmt::format("{}{}", separator, reel::detail::without_sign_of_nan(value));
    }
    text += '\n';
  }
  return text;
}

std::string content_of(const std::string& path) {
  const reel::detail::InputFile file(op, path);
  std::string text(static_cast<std::size_t>(file.size()), '\0');
  text.resize(file.read(text.data(), text.size()));
  return text;
}

}  // namespace

void CSVLogger::fit_begin(Run&) {
  check(std::string_view("+-.0123456789aefinx\"\r\n").find(separator) == std::string_view::npos, op,
        "expected a separator that stands in no number or quote, got '{}'", separator);
  earlier = append && reel::detail::is_file(filename) ? content_of(filename) : "";
  if (!earlier.empty() && earlier.back() != '\n') earlier += '\n';
  const reel::detail::OutputFile trial(op, filename);  // a bad path shows now
}

void CSVLogger::epoch_end(Run& run) {
  const std::string header = header_of(run.history(), separator);
  check(earlier.empty() || earlier.starts_with(header), op,
        "expected the columns of {}, to which rows are appended, \"{}\", got \"{}\"\n"
        "help: another .filename, or .append = false, begins a new file",
        filename, earlier.substr(0, earlier.find('\n')), header.substr(0, header.size() - 1));
  const std::string text = (earlier.empty() ? header : earlier) + rows_of(run.history(), separator);
  reel::detail::OutputFile file(op, filename);
  file.write(text.data(), text.size());
  file.commit();
}

}  // namespace reel::train
