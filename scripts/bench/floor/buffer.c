/* A shim that gives every UDP socket of a program a receive buffer of 16 MB, without
 * which Debian's ptp4l stops serving anyone somewhere below 500 clients. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <sys/socket.h>

int socket(int domain, int type, int protocol)
{
    int (*real)(int, int, int) = (int (*)(int, int, int))dlsym(RTLD_NEXT, "socket");
    int fd = real(domain, type, protocol), size = 16 << 20;
    if (fd >= 0 && domain == AF_INET)
        setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof size);
    return fd;
}
