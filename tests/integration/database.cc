#include "tests/integration/database.h"

#include <sqlite3.h>

#include <filesystem>
#include <fstream>
#include <system_error>

#include "absl/strings/match.h"

namespace ephemera {

std::string FindDatabase(const std::string& data_dir) {
  std::error_code ignored;
  for (const auto& entry :
       std::filesystem::directory_iterator(data_dir, ignored)) {
    std::ifstream file(entry.path(), std::ios::binary);
    std::string head(15, '\0');
    file.read(head.data(), static_cast<std::streamsize>(head.size()));
    if (head == "SQLite format 3") return entry.path();
  }
  return "";
}

std::string Sql(const std::string& file, const std::string& statement) {
  sqlite3* database = nullptr;
  std::string result;
  char* message = nullptr;
  const auto on_row = [](void* to, int columns, char** values, char**) {
    auto* text = static_cast<std::string*>(to);
    if (text->empty() && columns > 0 && values[0] != nullptr) *text = values[0];
    return 0;
  };
  if (sqlite3_open_v2(file.c_str(), &database, SQLITE_OPEN_READWRITE,
                      nullptr) != SQLITE_OK ||
      sqlite3_exec(database, statement.c_str(), on_row, &result, &message) !=
          SQLITE_OK) {
    result = std::string("error: ") + sqlite3_errmsg(database);
  }
  sqlite3_free(message);
  sqlite3_close(database);
  return result;
}

}  // namespace ephemera
