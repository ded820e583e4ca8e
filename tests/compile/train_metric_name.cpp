// must not compile: Reel: a metric is an object with update.outputs, targets., value.., reset.. and
#include <reel/reel.h>

int main() { const reel::train::Metric metric = "accuracy"; }
