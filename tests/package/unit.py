"""What a program may do in the unit's sandbox, asked by a program in it."""

# Each line of its file is NAME=yes or NAME=no: whether the call worked. Numbers of calls are those of x86-64.
PROBE = r"""
use strict;
use Socket;
open(my $answers, '>', $ARGV[0]) or die $!;
sub answer { my ($name, $worked) = @_; print $answers "$name=", ($worked ? 'yes' : 'no'), "\n"; }
sub can_make { my ($family, $type) = @_; return socket(my $s, $family, $type, 0); }
answer('unix', can_make(AF_UNIX, SOCK_STREAM));
answer('inet', can_make(AF_INET, SOCK_STREAM));
answer('inet6', can_make(AF_INET6, SOCK_STREAM));
answer('netlink', can_make(16, SOCK_RAW));
answer('processes-of-others', -e '/proc/1/status');
answer('sysctl', -e '/proc/sys/kernel');
answer('home', -e '/home/reader');
answer('writable-and-executable', syscall(9, 0, 4096, 7, 0x22, -1, 0) != -1);  # mmap
answer('user-namespace', fork_and(sub { syscall(272, 0x10000000) == 0 }));  # unshare
answer('personality', fork_and(sub { syscall(135, 0x0040000) != -1 }));
answer('set-id', fork_and(sub {
  my $name = "/tmp/set-id.$$";
  open(my $file, '>', $name) or return 0;
  return chmod(04755, $name) == 1;
}));
answer('nice', fork_and(sub { syscall(141, 0, 0, 5) == 0 }));  # setpriority
close($answers);

# In a process of its own, where it leaves nothing behind.
sub fork_and {
  my ($call) = @_;
  my $child = fork();
  if (!$child) { exit($call->() ? 0 : 1); }
  waitpid($child, 0);
  return $? == 0;
}
"""
