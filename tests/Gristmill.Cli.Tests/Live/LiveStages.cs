namespace Gristmill.Cli.Live;

/// <summary>Stages that the tests ship to the server: nothing here may need the test framework, which is not shipped.</summary>
internal static class LiveStages
{
    public static async Task<int> Wait(string file, CancellationToken cancellationToken)
    {
        while (!File.Exists(file))
        {
            await Task.Delay(10, cancellationToken);
        }

        return 1;
    }
}
