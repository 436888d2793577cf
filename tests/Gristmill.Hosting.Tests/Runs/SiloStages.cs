namespace Gristmill.Hosting.Runs;

/// <summary>Stages that the tests ship to a silo: nothing here may need the test framework, which is not shipped.</summary>
internal static class SiloStages
{
    /// <summary>Prints a line, waits for a file, prints another.</summary>
    public static async Task<int> Talk(string file, CancellationToken cancellationToken)
    {
        Console.WriteLine("before");
        while (!File.Exists(file))
        {
            await Task.Delay(10, cancellationToken);
        }

        Console.WriteLine("after");
        return 1;
    }

    /// <summary>Fails while a file is there.</summary>
    public static double FailWhile(string file, double input) => File.Exists(file) ? throw new InvalidOperationException("the file is there") : input + 1;

    public static int Number(int n) => n;

    /// <summary>Logs a curve that ends at a number, then waits for a file.</summary>
    public static async Task Learn(int rate, string file, CancellationToken cancellationToken)
    {
        Track.Param("batch", rate * 10);
        for (var step = 0; step <= 100; step++)
        {
            Track.Metric("loss", rate + (100 - step), step);
        }

        await Track.FlushAsync(cancellationToken);
        while (!File.Exists(file))
        {
            await Task.Delay(10, cancellationToken);
        }
    }

    public static void Say(int n) => Console.WriteLine($"{n}");

    /// <summary>Counts up to a number, slowly, and says where it began; the checkpoint is how a killed silo's work goes on.</summary>
    public static async Task<int> Count(int to, string file, Engines.StageContext context, CancellationToken cancellationToken)
    {
        var begin = await context.Checkpoint.TryLoadJsonAsync<int>(cancellationToken);
        Console.WriteLine($"from {begin}");
        for (var n = begin; n < to; n++)
        {
            await context.Checkpoint.SaveJsonAsync(n + 1, cancellationToken);
            context.Report((double)n / to, $"{n}");
        }

        if (begin == 0)
        {
            await File.WriteAllTextAsync(file, "counted", cancellationToken);
            await Task.Delay(Timeout.Infinite, cancellationToken);
        }

        return begin;
    }
}
