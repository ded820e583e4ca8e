#include <vector>

int main() {}
