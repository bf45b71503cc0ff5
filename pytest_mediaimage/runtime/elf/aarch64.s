// The program `init` for aarch64: see x86_64.s, which it follows step by step.
.globl _start
.text
_start:
    mov x29, sp             // [x29] argc, [x29+8] argv
    ldr x19, [x29]
    cmp x19, #2
    b.hi launch
    b.lo reap
    ldr x0, [x29, #16]
    ldrb w0, [x0]
    cmp w0, #'k'
    b.eq kill
    cmp w0, #'m'
    b.eq memory
    cmp w0, #'n'
    b.eq network
reap:                       // rt_sigaction(SIGCHLD, SIG_IGN, 0, 8)
    mov x0, #1
    stp xzr, xzr, [sp, #-16]!
    stp x0, xzr, [sp, #-16]!
    mov x1, sp
    mov x0, #17
    mov x2, #0
    mov x3, #8
    mov x8, #134
    svc #0
    cmp x19, #2
    b.eq wait
pause:                      // ppoll(0, 0, 0, 0, 0)
    mov x0, #0
    mov x1, #0
    mov x2, #0
    mov x3, #0
    mov x4, #0
    mov x8, #73
    svc #0
    b pause
wait:                       // write(0, argv[1], 1)
    mov x0, #0
    ldr x1, [x29, #16]
    mov x2, #1
    mov x8, #64
    svc #0
read:                       // read(0, stack, 1) until end of file
    mov x0, #0
    mov x1, sp
    mov x2, #1
    mov x8, #63
    svc #0
    cmn x0, #4              // EINTR
    b.eq read
    cmp x0, #0
    b.gt read
success:
    mov x0, #0
exit:                       // exit_group(x0)
    mov x8, #94
    svc #0
kill:                       // kill(-1, SIGKILL)
    mov x0, #-1
    mov x1, #9
    mov x8, #129
    svc #0
    b success
memory:                     // mmap(0, 64 MiB, READ|WRITE, PRIVATE|ANONYMOUS|POPULATE, -1, 0)
    mov x0, #0
    mov x1, #0x4000000
    mov x2, #3
    mov x3, #0x8022
    mov x4, #-1
    mov x5, #0
    mov x8, #222
    svc #0
    b success
network:                    // connect(socket(AF_INET, SOCK_DGRAM, 0), 192.0.2.1:9)
    mov x0, #2
    mov x1, #2
    mov x2, #0
    mov x8, #198
    svc #0
    movz x1, #0x0002
    movk x1, #0x0900, lsl #16
    movk x1, #0x00c0, lsl #32
    movk x1, #0x0102, lsl #48
    stp x1, xzr, [sp, #-16]!
    mov x1, sp
    mov x2, #16
    mov x8, #203
    svc #0
    cmp x0, #0
    cset x0, eq
    b exit
launch:                     // prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    mov x0, #38
    mov x1, #1
    mov x2, #0
    mov x3, #0
    mov x4, #0
    mov x8, #167
    svc #0
    mov x20, #63
    movz x21, #0x25fb       // the capabilities that Docker leaves to a container by default
    movk x21, #0xa804, lsl #16
drop:                       // prctl(PR_CAPBSET_DROP, x20)
    lsr x0, x21, x20
    tbnz x0, #0, keep
    mov x0, #24
    mov x1, x20
    mov x8, #167
    svc #0
keep:
    subs x20, x20, #1
    b.pl drop
    ldr x0, [x29, #24]      // chdir(argv[2])
    mov x8, #49
    svc #0
    cbnz x0, denied
    add x2, x29, #32        // envp = argv + 3
    mov x1, x2
scan:                       // up to the empty string, which becomes the end of envp
    ldr x0, [x1], #8
    ldrb w0, [x0]
    cbnz w0, scan
    str xzr, [x1, #-8]
    ldr x0, [x29, #16]      // execve(argv[1], x1, x2)
    mov x8, #221
    svc #0
    cmn x0, #2              // ENOENT
    b.ne denied
    adr x1, absent_text
    mov x2, #absent_end - absent_text
    mov x20, #127
    b complain
denied:
    adr x1, denied_text
    mov x2, #denied_end - denied_text
    mov x20, #126
complain:                   // write(2, x1, x2)
    mov x0, #2
    mov x8, #64
    svc #0
    mov x0, x20
    b exit
absent_text:
    .ascii "exec: the program or its interpreter is missing\n"
absent_end:
denied_text:
    .ascii "exec: the program can't be executed, or its directory not entered\n"
denied_end:
