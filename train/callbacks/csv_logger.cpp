#include "reel/train/callbacks/csv_logger.h"

#include <string_view>

#include "reel/base/detail/file.h"
#include "reel/base/fail.h"

namespace reel::train {
namespace {

std::string quoted(const std::string& name, char separator) {
  if (name.find_first_of(std::string("\"\r\n") + separator) == std::string::npos) return name;
  std::string text = "\"";
  for (const char c : name) text += c == '"' ? "\"\"" : std::string(1, c);
  return text + '"';
}

std::string text_of(const History& history, char separator) {
  const std::vector<std::string> names = history.names();
  std::string text = "epoch";
  for (const std::string& name : names) text += separator + quoted(name, separator);
  text += '\n';
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

}  // namespace

void CSVLogger::fit_begin(Run&) {
  check(std::string_view("+-.0123456789aefinx\"\r\n").find(separator) == std::string_view::npos,
        "CSVLogger", "expected a separator that stands in no number or quote, got '{}'", separator);
  const reel::detail::OutputFile trial("CSVLogger", filename);  // a bad path shows now
}

void CSVLogger::epoch_end(Run& run) {
  reel::detail::OutputFile file("CSVLogger", filename);
  const std::string text = text_of(run.history(), separator);
  file.write(text.data(), text.size());
  file.commit();
}

}  // namespace reel::train
