// A program of nothing but the core, for core_link_test.py to look into.
int main() { return 0; }
