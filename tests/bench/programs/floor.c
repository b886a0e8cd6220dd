/* floor N COMMAND...: the least that a supervisor can do. It keeps N processes of COMMAND running, by waiting for
 * children and starting another one for each that ends. SIGTERM ends all, and then itself. What this takes, the kernel
 * takes. */
#define _GNU_SOURCE
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static volatile sig_atomic_t stopping;

static void stop(int signum)
{
    (void)signum;
    stopping = 1;
}

static pid_t start(char **command)
{
    pid_t pid = vfork();
    if (pid == 0) {
        execv(command[0], command);
        _exit(127);
    }
    return pid;
}

int main(int argc, char **argv)
{
    int count = argc > 2 ? atoi(argv[1]) : 0;
    if (count < 1)
        return 2;
    struct sigaction on_term = {.sa_handler = stop}; /* no SA_RESTART: it interrupts the wait */
    sigaction(SIGTERM, &on_term, NULL);

    pid_t *pids = calloc((size_t)count, sizeof *pids);
    for (int i = 0; i < count; i++)
        pids[i] = start(argv + 2);

    while (!stopping) {
        pid_t dead = waitpid(-1, NULL, 0);
        for (int i = 0; i < count && dead > 0 && !stopping; i++)
            if (pids[i] == dead) {
                pids[i] = start(argv + 2);
                break;
            }
    }
    for (int i = 0; i < count; i++)
        kill(pids[i], SIGTERM);
    while (waitpid(-1, NULL, 0) > 0)
        ;
    return 0;
}
