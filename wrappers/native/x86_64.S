# A wrapper command as a program of its own, for x86_64: sets MAIL_CONFIG, starts the real command.
#
# wrappers/native/build makes x86_64.bin of it: an ELF file with one segment, which is read and
# executed and never written. postwrap appends to a copy (render/native.py), each ended by a zero:
#     MAIL_CONFIG=DIRECTORY   PATH of the real command   [FLAG]   an empty string
# and then the shell script that does the same, for whoever looks with strings(1).
#
# The kernel starts it with the stack: argc, argv[0…], 0, envp[0…], 0, and the auxiliary vector,
# which a program that only calls execve(2) does not need. So both lists are changed where they lie:
# PATH and FLAG take the places of argc and argv[0], and MAIL_CONFIG, where there is none yet, that
# of the 0 after the environment.

	.text
header:
	.byte	0x7f, 'E', 'L', 'F', 2, 1, 1, 0	# 64 bits, little endian, version 1, System V
	.zero	8
	.short	3, 62				# ET_DYN: runs at any address; EM_X86_64
	.long	1
	.quad	start - header, 64, 0		# entry, program headers, no section headers
	.long	0
	.short	64, 56, 2, 0, 0, 0		# sizes of both headers, two program headers
	.long	1, 5				# PT_LOAD, readable and executable
	.quad	0, 0, 0
	.quad	data - header, data - header	# sizes: postwrap adds what it appends
	.quad	0x1000
	.long	0x6474e551, 6			# PT_GNU_STACK, not executable
	.quad	0, 0, 0, 0, 0, 16

start:
	mov	(%rsp), %rax			# argc
	lea	8(%rsp), %rbx			# argv
	lea	8(%rbx,%rax,8), %rdx		# envp
	mov	(%rbx), %r12			# as what this was called; 0 if argc is 0
	lea	data(%rip), %rsi
	test	%rax, %rax
	jz	environment
	add	$8, %rbx			# argv[1]

	# Write ours in place of the first MAIL_CONFIG and leave out others.
environment:
	mov	%rdx, %rcx			# read here
	mov	%rdx, %rdi			# write here
	xor	%r8d, %r8d			# whether ours is written
	movabs	$0x4e4f435f4c49414d, %r9	# MAIL_CON
next:
	mov	(%rcx), %rax
	add	$8, %rcx
	test	%rax, %rax
	jz	last
	cmp	%r9, (%rax)
	jne	keep
	cmpl	$0x3d474946, 8(%rax)		# FIG=
	jne	keep
	test	%r8d, %r8d
	jnz	next
	inc	%r8d
	mov	%rsi, %rax
keep:
	mov	%rax, (%rdi)
	add	$8, %rdi
	jmp	next
last:
	test	%r8d, %r8d
	jnz	ended
	mov	%rsi, (%rdi)
	add	$8, %rdi
ended:
	movq	$0, (%rdi)

	# Write PATH and FLAG before the caller's arguments.
	call	skip
	mov	%rsi, %r13			# PATH
	call	skip
	cmpb	$0, (%rsi)
	je	command
	sub	$8, %rbx
	mov	%rsi, (%rbx)
command:
	sub	$8, %rbx
	mov	%r13, (%rbx)

	mov	$59, %eax			# execve(PATH, argv, envp)
	mov	%r13, %rdi
	mov	%rbx, %rsi
	syscall

	# It came back: say why, and end as a shell does.
	neg	%eax
	mov	%eax, %r14d
	lea	errors(%rip), %rsi
search:
	movzbl	(%rsi), %eax
	movzbl	1(%rsi), %ebp			# the exit status
	add	$2, %rsi
	test	%eax, %eax
	jz	found
	cmp	%eax, %r14d
	je	found
	call	skip
	jmp	search
found:
	mov	%rsi, %r15
	lea	-160(%rbx), %rsp
	mov	%rsp, %rdi			# the vector of writev(2)
	mov	%r12, %rsi
	test	%rsi, %rsi
	cmovz	%r13, %rsi
	call	add
	lea	separator(%rip), %rsi
	call	add
	mov	%r13, %rsi
	call	add
	lea	separator(%rip), %rsi
	call	add
	mov	%r15, %rsi
	call	add
	mov	$20, %eax			# writev(2, vector, 5)
	mov	$2, %edi
	mov	%rsp, %rsi
	mov	$5, %edx
	syscall
	mov	$231, %eax			# exit_group(status)
	mov	%ebp, %edi
	syscall

	# Move rsi behind the next zero byte.
skip:
	lodsb
	test	%al, %al
	jnz	skip
	ret

	# Add the string at rsi to the vector at rdi.
add:
	mov	%rsi, (%rdi)
	xor	%ecx, %ecx
length:
	cmpb	$0, (%rsi,%rcx)
	je	added
	inc	%rcx
	jmp	length
added:
	mov	%rcx, 8(%rdi)
	add	$16, %rdi
	ret

separator:
	.asciz	": "
	# An error of execve(2), the exit status for it, its words; 0 stands for all others.
errors:
	.byte	2, 127				# ENOENT
	.asciz	"not found\n"
	.byte	20, 127				# ENOTDIR
	.asciz	"not found\n"
	.byte	13, 126				# EACCES
	.asciz	"Permission denied\n"
	.byte	7, 126				# E2BIG
	.asciz	"Argument list too long\n"
	.byte	8, 126				# ENOEXEC
	.asciz	"Exec format error\n"
	.byte	12, 126				# ENOMEM
	.asciz	"Cannot allocate memory\n"
	.byte	40, 127				# ELOOP
	.asciz	"Too many levels of symbolic links\n"
	.byte	0, 126
	.asciz	"cannot be executed\n"
data:
