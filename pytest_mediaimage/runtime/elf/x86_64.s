# The program `init` for x86-64; `program.py` holds its machine code, a test compares the two.
#   init                                     sleep for ever
#   init w                                   say "w" on stdin (a socket), sleep until its other end closes, exit 0
#   init k                                   kill every process in this pid namespace but pid 1, exit 0
#   init m                                   take 64 MiB of memory, exit 0
#   init n                                   exit 0 if no route leads to 192.0.2.1, else 1
#   init PATH DIR [NAME=VALUE]... "" ARG...  execve in DIR with exactly this environment; 126 or 127 if it fails
.intel_syntax noprefix
.globl _start
.text
_start:
    mov rbp, rsp            # [rbp] argc, [rbp+8] argv
    cmp dword ptr [rbp], 2
    ja launch
    jb reap
    mov rbx, [rbp+16]       # argv[1]
    mov bl, [rbx]
    cmp bl, 'k'
    je kill
    cmp bl, 'm'
    je memory
    cmp bl, 'n'
    je network
reap:                       # rt_sigaction(SIGCHLD, SIG_IGN): the kernel then reaps orphans for pid 1
    xor edx, edx
    push rdx
    push rdx
    push rdx
    push 1
    mov rsi, rsp
    mov edi, 17
    mov r10d, 8
    mov eax, 13
    syscall
    cmp dword ptr [rbp], 2
    je wait
pause:
    mov eax, 34
    syscall
    jmp pause
wait:                       # write(0, argv[1], 1)
    xor edi, edi
    mov rsi, [rbp+16]
    mov edx, 1
    mov eax, 1
    syscall
read:                       # read(0, stack, 1) until end of file
    xor edi, edi
    mov rsi, rsp
    mov edx, 1
    xor eax, eax
    syscall
    cmp eax, -4             # EINTR
    je read
    test eax, eax
    jg read
    xor edi, edi
exit:                       # exit_group(edi)
    mov eax, 231
    syscall
kill:                       # kill(-1, SIGKILL)
    mov rdi, -1
    mov esi, 9
    mov eax, 62
    syscall
    xor edi, edi
    jmp exit
memory:                     # mmap(0, 64 MiB, READ|WRITE, PRIVATE|ANONYMOUS|POPULATE, -1, 0)
    xor edi, edi
    mov esi, 0x4000000
    mov edx, 3
    mov r10d, 0x8022
    mov r8, -1
    xor r9d, r9d
    mov eax, 9
    syscall
    xor edi, edi
    jmp exit
network:                    # connect(socket(AF_INET, SOCK_DGRAM, 0), 192.0.2.1:9): sends nothing
    mov edi, 2
    mov esi, 2
    xor edx, edx
    mov eax, 41
    syscall
    mov edi, eax
    push 0
    mov rax, 0x010200c009000002
    push rax
    mov rsi, rsp
    mov edx, 16
    mov eax, 42
    syscall
    xor edi, edi
    test eax, eax
    jnz exit
    inc edi
    jmp exit
launch:                     # prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    xor r8d, r8d
    xor r10d, r10d
    xor edx, edx
    mov esi, 1
    mov edi, 38
    mov eax, 157
    syscall
    mov ebx, 63
    mov r12, 0xa80425fb     # the capabilities that Docker leaves to a container by default
drop:                       # prctl(PR_CAPBSET_DROP, ebx)
    bt r12, rbx
    jc keep
    mov esi, ebx
    mov edi, 24
    mov eax, 157
    syscall
keep:
    dec ebx
    jns drop
    mov rdi, [rbp+24]       # chdir(argv[2])
    mov eax, 80
    syscall
    test eax, eax
    jnz denied
    lea rdx, [rbp+32]       # envp = argv + 3
    mov rsi, rdx
scan:                       # up to the empty string, which becomes the end of envp
    mov rax, [rsi]
    add rsi, 8
    cmp byte ptr [rax], 0
    jne scan
    mov qword ptr [rsi-8], 0
    mov rdi, [rbp+16]       # execve(argv[1], rsi, rdx)
    mov eax, 59
    syscall
    cmp eax, -2             # ENOENT
    jne denied
    lea rsi, [rip+absent_text]
    mov edx, offset absent_end - absent_text
    mov ebx, 127
    jmp complain
denied:
    lea rsi, [rip+denied_text]
    mov edx, offset denied_end - denied_text
    mov ebx, 126
complain:                   # write(2, rsi, edx)
    mov edi, 2
    mov eax, 1
    syscall
    mov edi, ebx
    jmp exit
absent_text:
    .ascii "exec: the program or its interpreter is missing\n"
absent_end:
denied_text:
    .ascii "exec: the program can't be executed, or its directory not entered\n"
denied_end:
