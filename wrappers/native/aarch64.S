// A wrapper command as a program of its own, for aarch64: x86_64.S tells how it works.

	.text
header:
	.byte	0x7f, 'E', 'L', 'F', 2, 1, 1, 0	// 64 bits, little endian, version 1, System V
	.zero	8
	.short	3, 183				// ET_DYN: runs at any address; EM_AARCH64
	.long	1
	.quad	start - header, 64, 0		// entry, program headers, no section headers
	.long	0
	.short	64, 56, 2, 0, 0, 0		// sizes of both headers, two program headers
	.long	1, 5				// PT_LOAD, readable and executable
	.quad	0, 0, 0
	.quad	data - header, data - header	// sizes: postwrap adds what it appends
	.quad	0x10000				// pages have up to 64 kB
	.long	0x6474e551, 6			// PT_GNU_STACK, not executable
	.quad	0, 0, 0, 0, 0, 16

start:
	mov	x9, sp
	ldr	x10, [x9]			// argc
	add	x20, x9, 8			// argv
	add	x2, x20, x10, lsl 3
	add	x2, x2, 8			// envp
	ldr	x19, [x20]			// as what this was called; 0 if argc is 0
	adr	x1, data
	cbz	x10, environment
	add	x20, x20, 8			// argv[1]

	// Write ours in place of the first MAIL_CONFIG and leave out others.
environment:
	mov	x3, x2				// read here
	mov	x4, x2				// write here
	mov	x5, xzr				// whether ours is written
	ldr	x6, variable
	ldr	w7, variable + 8
next:
	ldr	x0, [x3], 8
	cbz	x0, last
	ldr	x8, [x0]
	cmp	x8, x6
	b.ne	keep
	ldr	w8, [x0, 8]
	cmp	w8, w7
	b.ne	keep
	cbnz	x5, next
	mov	x5, 1
	mov	x0, x1
keep:
	str	x0, [x4], 8
	b	next
last:
	cbnz	x5, ended
	str	x1, [x4], 8
ended:
	str	xzr, [x4]

	// Write PATH and FLAG before the caller's arguments.
	bl	skip
	mov	x21, x1				// PATH
	bl	skip
	ldrb	w0, [x1]
	cbz	w0, command
	str	x1, [x20, -8]!
command:
	str	x21, [x20, -8]!

	mov	x8, 221				// execve(PATH, argv, envp)
	mov	x0, x21
	mov	x1, x20
	svc	0

	// It came back: say why, and end as a shell does.
	neg	w22, w0
	adr	x1, errors
search:
	ldrb	w0, [x1], 1
	ldrb	w23, [x1], 1			// the exit status
	cbz	w0, found
	cmp	w0, w22
	b.eq	found
	bl	skip
	b	search
found:
	mov	x24, x1
	sub	sp, sp, 160
	mov	x2, sp				// the vector of writev(2)
	cmp	x19, 0
	csel	x1, x21, x19, eq
	bl	add
	adr	x1, separator
	bl	add
	mov	x1, x21
	bl	add
	adr	x1, separator
	bl	add
	mov	x1, x24
	bl	add
	mov	x8, 66				// writev(2, vector, 5)
	mov	x0, 2
	mov	x1, sp
	mov	x2, 5
	svc	0
	mov	x8, 94				// exit_group(status)
	mov	w0, w23
	svc	0

	// Move x1 behind the next zero byte.
skip:
	ldrb	w0, [x1], 1
	cbnz	w0, skip
	ret

	// Add the string at x1 to the vector at x2.
add:
	str	x1, [x2], 8
	mov	x3, xzr
length:
	ldrb	w0, [x1, x3]
	cbz	w0, added
	add	x3, x3, 1
	b	length
added:
	str	x3, [x2], 8
	ret

	.balign	8
variable:
	.ascii	"MAIL_CONFIG="
separator:
	.asciz	": "
	// An error of execve(2), the exit status for it, its words; 0 stands for all others.
errors:
	.byte	2, 127				// ENOENT
	.asciz	"not found\n"
	.byte	20, 127				// ENOTDIR
	.asciz	"not found\n"
	.byte	13, 126				// EACCES
	.asciz	"Permission denied\n"
	.byte	7, 126				// E2BIG
	.asciz	"Argument list too long\n"
	.byte	8, 126				// ENOEXEC
	.asciz	"Exec format error\n"
	.byte	12, 126				// ENOMEM
	.asciz	"Cannot allocate memory\n"
	.byte	40, 127				// ELOOP
	.asciz	"Too many levels of symbolic links\n"
	.byte	0, 126
	.asciz	"cannot be executed\n"
data:
