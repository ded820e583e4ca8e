#pragma once

#include <string>
#include <vector>

#include "measure.h"

namespace bench {

/// The table on stdout: its head, and a line a case as soon as it was measured.
void print_head(const std::vector<std::string>& peers);
void print_row(const Row& row, const std::vector<std::string>& peers);

/// Writes `text` to `file`. Throws `std::runtime_error` when it cannot.
void write_file(const std::string& text, const std::string& file);

/// A list of objects: case, threads, unit, reel, peer, peer_name, ratio, limit, peers. What is
/// missing is null. Throws as `write_file` does.
void write_json(const std::vector<Row>& rows, const std::string& file);

/// A bar chart: one group a case, how fast each side is as a multiple of the best peer. Throws as
/// `write_file` does.
void write_svg(const std::vector<Row>& rows, const std::string& file);

/// Line plots of Reel's time against the size, a panel for each sweep of `scaling_cases`. Throws as
/// `write_file` does.
void write_scaling_svg(const std::vector<Row>& rows, const std::string& file);

}  // namespace bench
