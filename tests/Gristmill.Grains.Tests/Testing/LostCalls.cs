using System.Collections.Concurrent;

namespace Gristmill.Grains.Testing;

/// <summary>Loses calls of grains: who calls takes them for done. Methods by "IInterface.MethodAsync", each with what it answers.</summary>
internal sealed class LostCalls(ConcurrentDictionary<string, object> lost) : IIncomingGrainCallFilter
{
    public Task Invoke(IIncomingGrainCallContext context)
    {
        if (lost.IsEmpty || !lost.TryGetValue($"{context.InterfaceName.Split('.')[^1]}.{context.MethodName}", out var answer))
        {
            return context.Invoke();
        }

        context.Result = answer;
        return Task.CompletedTask;
    }
}
