/* musterd: the program. Everything is in libmuster.so, where plugins find it too. */
#include "daemon.h"

int main(int argc, char **argv)
{
	return daemon_main(argc, argv);
}
