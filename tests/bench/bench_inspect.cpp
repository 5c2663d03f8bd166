// What inspect() costs, in time and in allocations. Ends with lines "target: ..." for tests/bench/run.

#include <benchmark/benchmark.h>

#include <cstdio>
#include <cstdlib>
#include <map>
#include <new>
#include <string>

#include "msgid/inspect.h"
#include "sample.h"
#include "tests/eml.h"

namespace {

std::size_t allocations = 0;  // one thread

}  // namespace

void* operator new(std::size_t octets) {
  ++allocations;
  if (void* memory = std::malloc(octets == 0 ? 1 : octets)) return memory;
  throw std::bad_alloc();
}
void operator delete(void* memory) noexcept {
  std::free(memory);
}
void operator delete(void* memory, std::size_t) noexcept {
  std::free(memory);
}

namespace {

msgid::FieldList clean() {
  return eml::header_of(sample::clean_header(1));
}
msgid::FieldList affected() {
  return eml::header_of(sample::affected_header(1));
}

msgid::FieldList listed_only() {
  const msgid::Policy policy;
  msgid::FieldList fields = clean();
  std::erase_if(fields, [&](const msgid::Field& field) { return policy.find(field.name) == nullptr; });
  return fields;
}

msgid::FieldList thread() {
  std::string header = "References:";
  for (int i = 0; i < 30; ++i) header += " <reference." + std::to_string(i) + ".20261121@mail.example.com>\n";
  return eml::header_of(header);
}

void measure(benchmark::State& state, const msgid::FieldList& fields) {
  const msgid::Policy policy;
  const std::size_t before = allocations;
  for (auto _ : state) benchmark::DoNotOptimize(msgid::inspect(fields, policy));
  state.counters["fields"] = static_cast<double>(fields.size());
  state.counters["allocations"] =
      benchmark::Counter(static_cast<double>(allocations - before), benchmark::Counter::kAvgIterations);
}

std::size_t allocations_of_one_call(const msgid::FieldList& fields) {
  const msgid::Policy policy;
  const std::size_t before = allocations;
  benchmark::DoNotOptimize(msgid::inspect(fields, policy));
  return allocations - before;
}

/// Keeps the best of the repetitions: what disturbs a measurement only ever adds to it.
class Reporter : public benchmark::ConsoleReporter {
 public:
  Reporter() : ConsoleReporter(OO_Tabular) {}
  void ReportRuns(const std::vector<Run>& runs) override {
    for (const Run& run : runs) {
      if (run.run_type != Run::RT_Iteration) continue;
      const auto best = best_.try_emplace(run.run_name.function_name, run).first;
      if (run.GetAdjustedCPUTime() < best->second.GetAdjustedCPUTime()) best->second = run;
    }
  }
  void Finalize() override {
    for (auto& [name, run] : best_) ConsoleReporter::ReportRuns({run});
  }
  double nanoseconds(const std::string& name) const { return best_.at(name).GetAdjustedCPUTime(); }

 private:
  std::map<std::string, Run> best_;
};

}  // namespace

int main(int argc, char** argv) {
  benchmark::Initialize(&argc, argv);
  const std::pair<const char*, msgid::FieldList> cases[] = {
      {"clean", clean()}, {"listed_only", listed_only()}, {"affected", affected()}, {"thread", thread()}};
  for (const auto& [name, fields] : cases)
    benchmark::RegisterBenchmark(name, [&fields = fields](benchmark::State& state) { measure(state, fields); })
        ->Repetitions(15)
        ->MinTime(0.1);
  Reporter reporter;
  benchmark::RunSpecifiedBenchmarks(&reporter);

  const double time = reporter.nanoseconds("clean");
  std::printf("target: inspect() of a clean message of 25 fields | %.0f ns | < 1000 ns | %s\n", time,
              time < 1000 ? "met" : "MISSED");
  const std::size_t all = allocations_of_one_call(clean());
  const std::size_t listed = allocations_of_one_call(listed_only());
  std::printf("target: allocations for its unlisted fields | %zu | 0 | %s\n", all - listed,
              all == listed ? "met" : "MISSED");
}
