using Gristmill.Client;
namespace Gristmill.Bench.Lifecycle;

internal static class Runs
{
    /// <summary>Waits for a run's end and insists on its success.</summary>
    public static async Task<RunView> FinishAsync(GristmillClient client, string id)
    {
        await foreach (var change in client.WatchRunAsync(id))
        {
            if (change.Status >= RunStatus.Succeeded)
            {
                break;
            }
        }

        var run = await client.GetRunAsync(id);
        return run.Status == RunStatus.Succeeded ? run : throw new InvalidOperationException($"The run {run.Status}: {run.Error?.Message}");
    }
}
