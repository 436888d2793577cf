using System.Runtime.ExceptionServices;

namespace Gristmill.Grains.State;

/// <summary>Orleans wraps what a storage provider throws; the provider's own error is the one that tells what to do.</summary>
internal static class StoreErrors
{
    public static async Task WriteAsync<T>(IPersistentState<T> state)
    {
        try
        {
            await state.WriteStateAsync();
        }
        catch (OrleansException e) when (e.InnerException is GristmillException known)
        {
            ExceptionDispatchInfo.Throw(known);
        }
    }
}
