#pragma once

#include <concepts>
#include <functional>
#include <memory>
#include <type_traits>
#include <utility>
#include <vector>

#include "reel/autograd/state_dict.h"
#include "reel/train/detail/kept.h"
#include "reel/train/run.h"

namespace reel::train {

namespace detail {

/// Where a run of `fit` calls its callbacks, in this order.
enum class Station {
  fit_begin,
  epoch_begin,
  batch_begin,
  backward_end,
  batch_end,
  epoch_end,
  fit_end,
};

/// Calls `function` with what `object` does at `station`, if it does something.
template <class C, class F>
constexpr void with_station(Station station, F&& function) {
  switch (station) {
    case Station::fit_begin:
      if constexpr (requires(C& c, Run& run) { c.fit_begin(run); })
        function([](C& c, Run& run) { c.fit_begin(run); });
      return;
    case Station::epoch_begin:
      if constexpr (requires(C& c, Run& run) { c.epoch_begin(run); })
        function([](C& c, Run& run) { c.epoch_begin(run); });
      return;
    case Station::batch_begin:
      if constexpr (requires(C& c, Run& run) { c.batch_begin(run); })
        function([](C& c, Run& run) { c.batch_begin(run); });
      return;
    case Station::backward_end:
      if constexpr (requires(C& c, Run& run) { c.backward_end(run); })
        function([](C& c, Run& run) { c.backward_end(run); });
      return;
    case Station::batch_end:
      if constexpr (requires(C& c, Run& run) { c.batch_end(run); })
        function([](C& c, Run& run) { c.batch_end(run); });
      return;
    case Station::epoch_end:
      if constexpr (requires(C& c, Run& run) { c.epoch_end(run); })
        function([](C& c, Run& run) { c.epoch_end(run); });
      else if constexpr (requires(C& c, Run& run) { c(run); })
        function([](C& c, Run& run) { c(run); });
      return;
    case Station::fit_end:
      if constexpr (requires(C& c, Run& run) { c.fit_end(run); })
        function([](C& c, Run& run) { c.fit_end(run); });
      return;
  }
}

constexpr Station all_stations[] = {
    Station::fit_begin, Station::epoch_begin, Station::batch_begin, Station::backward_end,
    Station::batch_end, Station::epoch_end,   Station::fit_end};

/// A bit for each station at which a `C` does something.
template <class C>
constexpr unsigned stations_of() {
  unsigned stations = 0;
  for (const Station station : all_stations) {
    with_station<C>(station, [&](auto) { stations |= 1U << static_cast<unsigned>(station); });
  }
  return stations;
}

/// How many members have the name of a station, whatever their type.
template <class C>
constexpr int station_names() {
  return static_cast<int>(requires { &C::fit_begin; }) +
         static_cast<int>(requires { &C::epoch_begin; }) +
         static_cast<int>(requires { &C::batch_begin; }) +
         static_cast<int>(requires { &C::backward_end; }) +
         static_cast<int>(requires { &C::batch_end; }) +
         static_cast<int>(requires { &C::epoch_end; }) +
         static_cast<int>(requires { &C::fit_end; });
}

/// Whether some station of a `C` cannot be called with a run, or none can.
template <class C>
constexpr bool has_sound_stations() {
  constexpr unsigned stations = stations_of<C>();
  int count = 0;
  for (const Station station : all_stations) {
    count += static_cast<int>(stations >> static_cast<unsigned>(station) & 1U);
  }
  return count > 0 && count >= station_names<C>();
}

/// Whether a `C` has a state that can be saved: it gives and takes a `StateDict`.
template <class C>
constexpr bool keeps_state = requires(C& c, const C& seen, const StateDict& state) {
  { seen.state_dict() } -> std::convertible_to<StateDict>;
  c.load_state_dict(state);
};

/// Whether a `C` has all of what keeps a state, or nothing of it.
template <class C>
constexpr bool has_sound_state() {
  return keeps_state<C> || !(
                               requires { &C::state_dict; } || requires { &C::load_state_dict; });
}

}  // namespace detail

/// What a run of `fit` calls at its stations: any object with one or more of
///
///     void fit_begin(train::Run&);     // before the first epoch
///     void epoch_begin(train::Run&);
///     void batch_begin(train::Run&);
///     void backward_end(train::Run&);  // gradients are there, the optimizer has not stepped yet:
///                                      // to clip them, or to add up those of several machines
///     void batch_end(train::Run&);     // the parameters have moved
///     void epoch_end(train::Run&);     // validation included
///     void fit_end(train::Run&);       // after the last epoch; not when an error ended the run
///
/// or a function of a `train::Run&`, called in the place of `epoch_end`. It derives from nothing.
/// One of the caller's is left where it is, so that what it found can be read there after `fit`,
/// and must live until then; one made in place is kept. What it is to begin anew with each run, it
/// sets in `fit_begin`. Follows `keras.callbacks.Callback`.
///
/// One that keeps something over several epochs, which a run that goes on after a break would miss,
/// also has
///
///     StateDict state_dict() const;            // where it stands after an epoch
///     void load_state_dict(const StateDict&);  // the next run begins there
///
/// **Example**
/// ```cpp
/// train::EarlyStopping stopping;
/// const auto report = [](train::Run& run) { fmt::print("{}\n", run.figures()["loss"]); };
/// train::fit(model, train_set, {.epochs = 100, .callbacks = {stopping, report}});
/// fmt::print("best after epoch {}\n", stopping.best_epoch);
/// ```
class Callback {
 public:
  /// Any object with a station, or a function of a run; what is neither does not compile.
  template <class C>
    requires(!std::same_as<std::remove_cvref_t<C>, Callback>)
  Callback(C&& callback) {
    using Plain = std::remove_cvref_t<C>;
    constexpr bool fits = detail::has_sound_stations<Plain>();
    static_assert(fits,
                  "Reel: a callback is a function called after each epoch, [&](train::Run& run) { "
                  "... }, or an object with some of fit_begin, epoch_begin, batch_begin, "
                  "backward_end, batch_end, epoch_end and fit_end, each called with a train::Run&");
    static_assert(detail::has_sound_state<Plain>(),
                  "Reel: a callback with a state has both StateDict state_dict() const and void "
                  "load_state_dict(const StateDict&)");
    if constexpr (fits) {
      stations_ = detail::stations_of<Plain>();
      const auto kept = detail::kept(std::forward<C>(callback));
      call_ = [kept](detail::Station station, Run& run) {
        detail::with_station<Plain>(station, [&](auto call) { call(*kept, run); });
      };
      if constexpr (detail::keeps_state<Plain>) {
        state_ = [kept] { return std::as_const(*kept).state_dict(); };
        load_ = [kept](const StateDict& state) { kept->load_state_dict(state); };
      }
    }
  }

  /// Does what is to be done at this station. Inside `fit`.
  void at(detail::Station station, Run& run) const {
    if ((stations_ >> static_cast<unsigned>(station) & 1U) != 0) call_(station, run);
  }

  /// Where it stands; nothing of one that keeps no state.
  StateDict state_dict() const { return state_ ? state_() : StateDict(); }
  /// Goes on where another stood. Throws `Error` for a state that is not of such a callback.
  REEL_API void load_state_dict(const StateDict& state) const;

 private:
  unsigned stations_ = 0;
  std::function<void(detail::Station, Run&)> call_;
  std::function<StateDict()> state_;
  std::function<void(const StateDict&)> load_;
};

/// Where callbacks stand, for a checkpoint: the state of each under its number, `0.best`.
///
/// **Example** A run that can go on after a break.
/// ```cpp
/// const std::vector<train::Callback> callbacks{stopping, best};
/// trainer.fit(train_set, {.epochs = 10, .seed = 1, .callbacks = callbacks});
/// io::save(model, "model.safetensors");
/// io::save(trainer.optimizer(), "optimizer.safetensors");
/// io::save(train::state_dict(callbacks), "callbacks.safetensors");
/// // In another program, after io::load of the model and the optimizer:
/// train::load_state_dict(callbacks, io::load_state_dict("callbacks.safetensors"));
/// trainer.fit(train_set, {.epochs = 20, .seed = 1, .initial_epoch = 10, .callbacks = callbacks});
/// ```
REEL_API StateDict state_dict(const std::vector<Callback>& callbacks);
/// Gives callbacks, in the same order, the states that `state_dict` took. Throws `Error` for
/// entries that are of none of them, or are not what a callback expects; those before it have
/// theirs then.
REEL_API void load_state_dict(const std::vector<Callback>& callbacks, const StateDict& state);

/// A callback of functions, for what needs no type of its own. Follows
/// `keras.callbacks.LambdaCallback`.
///
/// **Example**
/// ```cpp
/// train::LambdaCallback{.batch_end = [&](train::Run& run) { losses.push_back(run.loss()); }}
/// ```
struct LambdaCallback {
  /// @name Stations
  /// @{

  /// What is called there, with the run; nothing unless given. See `Callback`.
  std::function<void(Run&)> fit_begin = [](Run&) {};
  std::function<void(Run&)> epoch_begin = [](Run&) {};
  std::function<void(Run&)> batch_begin = [](Run&) {};
  std::function<void(Run&)> backward_end = [](Run&) {};
  std::function<void(Run&)> batch_end = [](Run&) {};
  std::function<void(Run&)> epoch_end = [](Run&) {};
  std::function<void(Run&)> fit_end = [](Run&) {};
  /// @}
};

}  // namespace reel::train
