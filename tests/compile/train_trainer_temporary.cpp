// must not compile: Reel: a Trainer leaves the model where it is: give the model a name
#include <reel/reel.h>

int main() { reel::train::Trainer trainer{reel::nn::Linear{2, 3}, {.optimizer = {}}}; }
