// must not compile: Reel: a callback is a function called after each epoch.*or an object with some of
#include <reel/reel.h>

struct Report {
  void on_epoch_end(reel::train::Run&) {}
};

int main() { const reel::train::Callback callback = Report{}; }
