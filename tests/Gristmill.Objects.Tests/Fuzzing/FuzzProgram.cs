using System.Diagnostics;
using System.Globalization;
using System.Runtime.CompilerServices;

namespace Gristmill.Objects.Fuzzing;

/// <summary>
/// The fuzzer that <c>mill fuzz</c> starts: this very program, told so by an environment variable. A child process runs the mutants,
/// so that one that ends it is known and the next one gets another child.
/// </summary>
internal static class FuzzProgram
{
    public const string Variable = "GRISTMILL_FUZZ", Child = "GRISTMILL_FUZZ_CHILD", CrashAt = "GRISTMILL_FUZZ_CRASH_AT";
    private static readonly TimeSpan s_patience = TimeSpan.FromMinutes(1);

    /// <summary>Runs it until its time is over.</summary>
    /// <returns>0: nothing was found. 1: something was.</returns>
    public static int Run(FuzzOptions options, TextWriter output, int? crashAt = null)
    {
        Directory.CreateDirectory(options.Findings);
        string progress = Path.Combine(options.Findings, "progress");
        using var test = new TestStore(); // the child's, but it may not live to remove it
        var clock = Stopwatch.StartNew();
        var end = TimeSpan.FromMinutes(options.Minutes);
        int from = options.Seed, crashes = 0;
        long done = 0, accepted = 0, findings = 0;
        output.WriteLine($"Fuzzing for {options.Minutes.ToString(CultureInfo.InvariantCulture)} min from seed {options.Seed}; findings go to {options.Findings}.");
        while (clock.Elapsed < end)
        {
            File.WriteAllBytes(progress, new byte[FuzzProgress.Bytes]);
            using var shared = new FuzzProgress(progress);
            using var child = Start(options, from, end - clock.Elapsed, progress, test.Directory, crashAt);
            bool hung = !Watch(child, shared);
            done += shared.Next - from;
            accepted += shared.Accepted;
            findings += shared.Findings;
            if (child.ExitCode != 0)
            {
                // The child cannot say what it did: the mutant is made again from its seed.
                crashes++;
                done++;
                string path = Path.Combine(options.Findings, $"{shared.Next}.arrow");
                File.WriteAllBytes(path, Mutator.Mutant(Corpus.All(options.Corpus), (int)shared.Next));
                output.WriteLine($"{(hung ? "a hang" : $"a crash ({child.ExitCode})")}: seed {shared.Next}, {path}");
            }

            from = (int)shared.Next + 1;
            Empty(test.Directory);
        }

        output.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"{done} mutants in {clock.Elapsed.TotalSeconds:F0} s, {done / clock.Elapsed.TotalSeconds:F0} a second; {accepted} accepted and read, {crashes} ended the process, {findings} other findings."));
        return crashes + findings > 0 ? 1 : 0;
    }

    [ModuleInitializer]
    internal static void RunAsProgram()
    {
        if (Environment.GetEnvironmentVariable(Child) is { Length: > 0 } task)
        {
            RunChild(task.Split('|'));
            Environment.Exit(0);
        }

        if (Environment.GetEnvironmentVariable(Variable) is { Length: > 0 })
        {
            var options = FuzzOptions.Parse(Environment.GetCommandLineArgs().AsSpan(1));
            if (options is null)
            {
                Console.Error.WriteLine("mill: " + FuzzOptions.Usage);
                Environment.Exit(2);
            }

            Environment.Exit(Run(options, Console.Out));
        }
    }

    private static Process Start(FuzzOptions options, int from, TimeSpan time, string progress, string directory, int? crashAt)
    {
        string program = Environment.ProcessPath!;
        var start = new ProcessStartInfo(program);
        if (Path.GetFileNameWithoutExtension(program) == "dotnet")
        {
            start.ArgumentList.Add(typeof(FuzzProgram).Assembly.Location);
        }

        start.Environment[Child] = string.Create(CultureInfo.InvariantCulture, $"{from}|{time.TotalSeconds}|{progress}|{options.Findings}|{directory}|{options.Corpus}");
        start.Environment[CrashAt] = crashAt?.ToString(CultureInfo.InvariantCulture);
        return Process.Start(start)!;
    }

    /// <summary>Waits for the child; false if one mutant kept it too long, and it was ended.</summary>
    private static bool Watch(Process child, FuzzProgress shared)
    {
        long seen = -1;
        while (!child.WaitForExit(s_patience))
        {
            if (shared.Next == seen)
            {
                child.Kill();
                child.WaitForExit();
                return false;
            }

            seen = shared.Next;
        }

        return true;
    }

    private static void RunChild(string[] task)
    {
        int from = int.Parse(task[0], CultureInfo.InvariantCulture);
        var time = TimeSpan.FromSeconds(double.Parse(task[1], CultureInfo.InvariantCulture));
        int crashAt = int.TryParse(Environment.GetEnvironmentVariable(CrashAt), CultureInfo.InvariantCulture, out int at) ? at : -1;
        var corpus = Corpus.All(task[5].Length == 0 ? null : task[5]);
        using var store = ObjectStore.Open(new ObjectStoreOptions { Directory = task[4], SmallObjectBytes = 0 });
        using var shared = new FuzzProgress(task[2]) { Next = from };
        var target = new FuzzTarget(store);
        var clock = Stopwatch.StartNew();
        for (int seed = from; clock.Elapsed < time; seed++)
        {
            shared.Next = seed;
            if (seed == crashAt)
            {
                Environment.Exit(134);
            }

            byte[] mutant = Mutator.Mutant(corpus, seed);
            try
            {
                if (target.Run(mutant))
                {
                    shared.Accepted++;
                }
            }
            catch (Exception e)
            {
                shared.Findings++;
                string path = Path.Combine(task[3], $"{seed}.arrow");
                File.WriteAllBytes(path, mutant);
                Console.WriteLine($"seed {seed}, {path}: {e}");
                Empty(task[4]);
            }

            shared.Next = seed + 1;
        }
    }

    private static void Empty(string directory)
    {
        foreach (string file in Directory.EnumerateFiles(directory))
        {
            File.Delete(file);
        }
    }
}
