namespace Gristmill.Hosting;

/// <summary>A machine of a <see cref="TestNetwork"/>.</summary>
/// <param name="Name">Its namespace, and its interface on the bridge.</param>
/// <param name="Address">Its address.</param>
internal sealed record NetworkHost(string Name, string Address)
{
    /// <summary>What runs a program there, and only it sees its shared memory.</summary>
    public string[] Command => ["/usr/sbin/ip", "netns", "exec", Name, "unshare", "--mount", "sh", "-c", "mount -t tmpfs -o size=1g tmpfs /dev/shm && exec \"$@\"", "sh"];

    /// <summary>Cuts its link: nothing goes in or out, and nobody is told.</summary>
    public void Cut() => TestNetwork.Ip("link", "set", Name, "down");
}
