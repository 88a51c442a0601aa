// A structure that is described part by part.
#include "../core/quests.h"

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "../core/cpu.h"
#include "checks.h"

namespace surprisal {
namespace {

struct Lattice {
  std::vector<double> positions;
  std::vector<std::uint32_t> offsets;
  std::array<double, 9> cell;
  std::array<unsigned char, 3> pbc{1, 1, 0};

  // A shaken simple cubic crystal, its atoms in an order that has nothing to do with where they lie.
  explicit Lattice(std::size_t side) : cell{2.6 * static_cast<double>(side), 0, 0, 0, 2.6 * static_cast<double>(side), 0, 0, 0, 0} {
    const std::size_t atoms = side * side * side;
    std::uint32_t state = 1;
    const auto shake = [&] {
      state = state * 1664525u + 1013904223u;
      return static_cast<double>(state >> 8) / 16777216.0 * 0.4 - 0.2;
    };
    for (std::size_t i = 0; i < atoms; ++i) {
      const std::size_t site = i * 7919 % atoms;
      positions.push_back(2.6 * static_cast<double>(site / side / side) + shake());
      positions.push_back(2.6 * static_cast<double>(site / side % side) + shake());
      positions.push_back(2.6 * static_cast<double>(site % side) + shake());
    }
    offsets = {0, static_cast<std::uint32_t>(atoms)};
  }

  StructureBatch batch() const { return {positions.data(), offsets.data(), cell.data(), pbc.data(), 1}; }
};

template <typename T>
void test_parts(const Lattice& lattice, const QuestsOptions& options, Isa isa, unsigned threads, std::size_t rows) {
  const StructureBatch batch = lattice.batch();
  const std::size_t columns = options.columns();
  const std::string name = "parts of " + std::to_string(rows) + " on " + std::to_string(threads) + " threads";
  std::vector<T> whole(batch.atoms() * columns);
  Task task;
  quests_descriptors(batch, options, isa, threads, task, whole.data());
  QuestsFrame frame(batch, options);
  std::vector<T> pieced(whole.size());
  std::vector<int> seen(batch.atoms());
  for (std::size_t first = 0; first < batch.atoms(); first += rows) {
    const std::size_t end = std::min(batch.atoms(), first + rows);
    std::vector<T> part((end - first) * columns);
    std::vector<std::uint32_t> atoms(end - first);
    Task of_part;
    frame.describe(first, end, isa, threads, of_part, part.data(), atoms.data());
    check(of_part.done == end - first, name + ": progress ends at the number of atoms");
    for (std::size_t i = 0; i < atoms.size(); ++i) {
      ++seen[atoms[i]];
      std::copy_n(&part[i * columns], columns, &pieced[atoms[i] * columns]);
    }
  }
  check(seen == std::vector<int>(batch.atoms(), 1), name + ": every atom comes once");
  check(pieced == whole, name + ": the bits of the whole");
}

}  // namespace

void test_quests_frame() {
  const Lattice lattice(11);
  const QuestsOptions options{8, 5, 1e-6, true, true};
  for (const Isa isa : available_isas()) {
    for (const unsigned threads : thread_counts) {
      test_parts<double>(lattice, options, isa, threads, 100);
      test_parts<float>(lattice, options, isa, threads, 1331);
    }
  }
  test_parts<double>(lattice, {8, 5, 1e-6, false, true}, available_isas().front(), 2, 1);

  QuestsFrame stopped(lattice.batch(), options);
  std::vector<double> out(1331 * options.columns());
  std::vector<std::uint32_t> atoms(1331);
  expect_error("ABORTED", "a frame that is stopped", [&] {
    Task task;
    task.stop = true;
    stopped.describe(0, 1331, available_isas().front(), 2, task, out.data(), atoms.data());
  });
  Task task;
  stopped.describe(0, 10, available_isas().front(), 2, task, out.data(), atoms.data());
  check(task.done == 10, "a frame that was stopped can be described afterwards");
  stopped.describe(7, 7, available_isas().front(), 2, task, out.data(), atoms.data());

  Lattice twice(3);
  for (int i = 0; i < 3; ++i) twice.positions[static_cast<std::size_t>(3 + i)] = twice.positions[static_cast<std::size_t>(i)];
  QuestsFrame coincident(twice.batch(), options);
  expect_error("COINCIDENT_ATOMS", "two atoms of a frame at one place", [&] {
    Task other;
    coincident.describe(0, 27, available_isas().front(), 2, other, out.data(), atoms.data());
  });
  // Around an atom that sees both of them, as all do here, before either has its turn.
  const QuestsOptions wide{128, 7, 1e-6, false, true};
  QuestsFrame seen(twice.batch(), wide);
  for (std::size_t place = 0; place < 27; ++place) {
    expect_error("COINCIDENT_ATOMS", "two atoms at one place, around place " + std::to_string(place), [&] {
      Task other;
      seen.describe(place, place + 1, available_isas().front(), 1, other, out.data(), atoms.data());
    });
    expect_error("COINCIDENT_ATOMS", "two atoms at one place in float32, around place " + std::to_string(place), [&] {
      Task other;
      std::vector<float> row(wide.columns());
      seen.describe(place, place + 1, available_isas().front(), 1, other, row.data(), atoms.data());
    });
  }
}

}  // namespace surprisal
