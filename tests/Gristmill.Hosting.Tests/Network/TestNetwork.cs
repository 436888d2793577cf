using System.Diagnostics;

namespace Gristmill.Hosting;

/// <summary>
/// Machines on one network, as far as programs can tell: network namespaces on a bridge, and shared memory of its own for each program. It takes root and iproute2;
/// tests are skipped where that is refused.
/// </summary>
internal sealed class TestNetwork : IDisposable
{
    private readonly string _name;

    private TestNetwork(string name, string gateway, IReadOnlyList<NetworkHost> hosts) => (_name, Gateway, Hosts) = (name, gateway, hosts);

    /// <summary>The address of this machine there.</summary>
    public string Gateway { get; }

    public IReadOnlyList<NetworkHost> Hosts { get; }

    public static TestNetwork Create(int hosts)
    {
        Assert.SkipUnless(OperatingSystem.IsLinux() && Environment.IsPrivilegedProcess && File.Exists("/usr/sbin/ip"), "Network namespaces take root and iproute2 on Linux.");
        // Names of interfaces have at most 15 characters.
        var (name, subnet) = ($"gm{Random.Shared.Next(1 << 20):x}", $"10.{Random.Shared.Next(128, 250)}.{Random.Shared.Next(1, 250)}");
        var network = new TestNetwork(name, $"{subnet}.1", [.. Enumerable.Range(0, hosts).Select(i => new NetworkHost($"{name}h{i}", $"{subnet}.{i + 2}"))]);
        try
        {
            Ip("link", "add", name, "type", "bridge");
            Ip("addr", "add", $"{network.Gateway}/24", "dev", name);
            Ip("link", "set", name, "up");
            foreach (var host in network.Hosts)
            {
                Ip("netns", "add", host.Name);
                Ip("link", "add", host.Name, "type", "veth", "peer", "name", "eth0", "netns", host.Name);
                Ip("link", "set", host.Name, "master", name, "up");
                Ip("-n", host.Name, "addr", "add", $"{host.Address}/24", "dev", "eth0");
                Ip("-n", host.Name, "link", "set", "eth0", "up");
                Ip("-n", host.Name, "link", "set", "lo", "up");
            }
        }
        catch (InvalidOperationException e)
        {
            network.Dispose();
            Assert.Skip($"A network of namespaces cannot be made here: {e.Message}");
        }

        return network;
    }

    public void Dispose()
    {
        foreach (var host in Hosts)
        {
            Run("netns", "del", host.Name);
            Run("link", "del", host.Name);
        }

        Run("link", "del", _name);
    }

    internal static void Ip(params string[] arguments)
    {
        if (Run(arguments) is { Length: > 0 } error)
        {
            throw new InvalidOperationException($"ip {string.Join(' ', arguments)}: {error}");
        }
    }

    private static string Run(params string[] arguments)
    {
        using var process = Process.Start(new ProcessStartInfo("/usr/sbin/ip", arguments) { RedirectStandardError = true })!;
        var error = process.StandardError.ReadToEnd().Trim();
        process.WaitForExit();
        return process.ExitCode == 0 ? "" : error.Length > 0 ? error : $"exit code {process.ExitCode}";
    }
}
