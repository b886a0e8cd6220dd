/* worker BOARD [exit]: the worker that every supervisor is given.
 *
 * Its first deed is to read the monotonic clock. Then it takes the next free record of the board, a file that all
 * workers and the benchmark have mapped (see board.py), notes the time and its pid there, and waits for a signal.
 * With "exit" it ends with code 1 instead. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdatomic.h>
#include <stdint.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

enum { RECORDS = 1 << 16 };

struct board {
    _Atomic uint64_t next;
    struct {
        uint64_t born_ns;
        _Atomic uint64_t pid; /* written last: not 0 means that the record is whole */
    } records[RECORDS];
};

int main(int argc, char **argv)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);

    int file = argc > 1 ? open(argv[1], O_RDWR | O_CLOEXEC) : -1;
    if (file < 0)
        return 2;
    struct board *board = mmap(NULL, sizeof *board, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    if (board == MAP_FAILED)
        return 3;
    uint64_t mine = atomic_fetch_add(&board->next, 1);
    if (mine >= RECORDS)
        return 4;
    board->records[mine].born_ns = (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
    atomic_store(&board->records[mine].pid, (uint64_t)getpid());

    if (argc > 2)
        return 1;
    for (;;)
        pause();
}
