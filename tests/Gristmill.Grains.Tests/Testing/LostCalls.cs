using System.Collections.Concurrent;

namespace Gristmill.Grains.Testing;

/// <summary>Answers calls of grains in their place, or holds answers up. Methods by "IInterface.MethodAsync".</summary>
/// <param name="lost">Calls that do not arrive, each with what who calls is told.</param>
/// <param name="late">What answers wait for.</param>
internal sealed class LostCalls(ConcurrentDictionary<string, object?> lost, ConcurrentDictionary<string, Func<Task>> late) : IIncomingGrainCallFilter
{
    public async Task Invoke(IIncomingGrainCallContext context)
    {
        var name = lost.IsEmpty && late.IsEmpty ? "" : $"{context.InterfaceName.Split('.')[^1]}.{context.MethodName}";
        if (lost.TryGetValue(name, out var answer))
        {
            context.Result = answer;
            return;
        }

        await context.Invoke();
        if (late.TryGetValue(name, out var wait))
        {
            await wait();
        }
    }
}
