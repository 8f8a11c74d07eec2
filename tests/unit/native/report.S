# What a test has wrapped: writes its arguments and its environment as the kernel has laid them out,
# each string with its zero byte, from argv[0] to the end of the environment. x86_64.
	.globl	_start
_start:
	mov	(%rsp), %rax
	lea	16(%rsp,%rax,8), %rbx		# envp
	mov	8(%rsp), %rsi			# argv[0]
	lea	(%rsp,%rax,8), %rcx		# the last argument's place, if there is no environment
last:
	cmpq	$0, (%rbx)
	je	end
	mov	%rbx, %rcx
	add	$8, %rbx
	jmp	last
end:
	mov	(%rcx), %rdi
	xor	%eax, %eax
	mov	$-1, %rcx
	repne scasb
	mov	%rdi, %rdx
	sub	%rsi, %rdx
	mov	$1, %edi
again:
	mov	$1, %eax			# write(1, …)
	syscall
	test	%rax, %rax
	jle	done
	add	%rax, %rsi
	sub	%rax, %rdx
	jnz	again
done:
	xor	%edi, %edi
	mov	$231, %eax
	syscall
