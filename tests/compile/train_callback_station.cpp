// must not compile: Reel: a callback is a function called after each epoch.*or an object with some of
#include <reel/reel.h>

// A station that exists beside one that could never be called: it takes no run.
struct Report {
  void fit_begin(reel::train::Run&) {}
  void epoch_end(int) {}
};

int main() { const reel::train::Callback callback = Report{}; }
