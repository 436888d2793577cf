using System.Net.Sockets;
using System.Runtime.InteropServices;
using System.Text.Json;
using Gristmill.Objects;

namespace Gristmill.Worker;

/// <summary>The worker process: reads its settings, connects to its pool, and serves until the pool closes or dies.</summary>
internal static class WorkerProgram
{
    private const int UsageError = 64; // EX_USAGE of sysexits.h
    private const int OomScore = 500;

    /// <summary>Runs to the end of the connection.</summary>
    public static int Run()
    {
        if (!Console.IsInputRedirected || Console.In.ReadLine() is not { Length: > 0 } line)
        {
            Console.Error.WriteLine("Gristmill.Worker is started by a silo, which tells it its settings. To run a pipeline: mill run FILE.");
            return UsageError;
        }

        LinuxProcess.JoinOutputs();
        var settings = JsonSerializer.Deserialize(line, WorkerJson.Default.WorkerSettings)!;
        if (!LinuxProcess.DieWithParent(settings.Parent))
        {
            return 0;
        }

        LinuxProcess.RaiseOomScore(OomScore);
        LinuxProcess.LeadChildren();

        // Ctrl-C in a terminal reaches the whole group; the silo decides when its workers end.
        using var interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, static c => c.Cancel = true);
        using var hangup = PosixSignalRegistration.Create(PosixSignal.SIGHUP, static c => c.Cancel = true);
        using var terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, static c => ExitNow(0));

        using var objects = ObjectStore.Open(new ObjectStoreOptions
        {
            Directory = settings.Objects,
            CapacityBytes = settings.ObjectsCapacity,
            SpillDirectory = settings.Spill,
            SpillCapacityBytes = settings.SpillCapacity,
            RecycledBytes = settings.Recycled,
            PutTimeout = settings.PutTimeout,
        });
        var content = new ContentStore(settings.Content);
        var host = new StageHost(objects, content, new EngineCatalog(content), new StageHostOptions
        {
            Threads = settings.Threads,
            BaseDirectory = settings.BaseDirectory,
            OwnsProcess = true,
            CheckpointDirectory = settings.Checkpoints,
        });
        using var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        socket.Connect(new UnixDomainSocketEndPoint(settings.Socket));
        using var connection = new FrameConnection(socket);
        connection.Send(FrameKind.Hello, 0, new WorkerHello(settings.Number, settings.Token, Environment.ProcessId), WorkerJson.Default.WorkerHello);
        try
        {
            new WorkerServer(host, connection, settings.Tracking ? content : null, new LogMarks(settings.Token)).Serve();
        }
        catch (SocketException)
        {
            // The pool is gone.
        }

        ExitNow(0);
        return 0;
    }

    /// <summary>Ends the process though an attempt may still run: its thread may sit in native code that nothing can interrupt.</summary>
    private static void ExitNow(int code)
    {
        var exit = new Thread(() => Environment.Exit(code)) { IsBackground = true };
        exit.Start();
        exit.Join(TimeSpan.FromSeconds(1));
        System.Diagnostics.Process.GetCurrentProcess().Kill();
    }
}
