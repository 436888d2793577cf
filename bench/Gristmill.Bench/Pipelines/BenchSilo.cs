using System.Collections.Concurrent;
using System.Globalization;
using Gristmill.Hosting;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Orleans.Serialization;

namespace Gristmill.Bench.Pipelines;

/// <summary>The silo as its program composes it, which also tells how much it has allocated and, if asked to measure them, its largest message.</summary>
internal static class BenchSilo
{
    public const string Role = "bench-silo", MeasureMessages = "--measure-messages";

    public static int Serve(string[] arguments)
    {
        var builder = WebApplication.CreateSlimBuilder(["--hostBuilder:reloadConfigOnChange=false", .. arguments.Where(static a => a != MeasureMessages)]);
        builder.Logging.ClearProviders().AddFilter(static level => level >= LogLevel.Error).AddConsole(static console => console.LogToStandardErrorThreshold = LogLevel.Trace);
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        var messages = new MessageSizes();
        builder.UseOrleans(silo =>
        {
            silo.UseGristmill();
            if (arguments.Contains(MeasureMessages))
            {
                silo.AddIncomingGrainCallFilter(messages);
            }
        });
        using var app = builder.Build();
        app.MapGristmill();
        app.MapGet("/bench/heap", static () => GC.GetTotalMemory(forceFullCollection: true).ToString(CultureInfo.InvariantCulture));
        app.MapGet("/bench/allocated", static () => GC.GetTotalAllocatedBytes().ToString(CultureInfo.InvariantCulture));
        app.MapGet("/bench/largest-message", () => messages.Largest);
        app.StartAsync().GetAwaiter().GetResult();
        Console.WriteLine(app.Urls.First());
        Console.ReadLine();
        app.StopAsync().GetAwaiter().GetResult();
        return 0;
    }

    /// <summary>Sizes of arguments and answers of grain calls when serialised.</summary>
    private sealed class MessageSizes : IIncomingGrainCallFilter
    {
        private static readonly Serializer s_serializer = new ServiceCollection().AddSerializer().BuildServiceProvider().GetRequiredService<Serializer>();

        private readonly ConcurrentDictionary<string, long> _largest = new();

        /// <summary>"bytes method".</summary>
        public string Largest => _largest.OrderByDescending(static pair => pair.Value).Select(static pair => string.Create(CultureInfo.InvariantCulture, $"{pair.Value} {pair.Key}")).FirstOrDefault() ?? "0 none";

        public async Task Invoke(IIncomingGrainCallContext context)
        {
            if (!context.InterfaceName.Contains("Gristmill", StringComparison.Ordinal) && !context.InterfaceName.Contains("AsyncEnumerable", StringComparison.Ordinal))
            {
                await context.Invoke();
                return;
            }

            var name = $"{context.InterfaceName}.{context.MethodName}";
            long bytes = 0;
            for (var i = 0; i < context.Request.GetArgumentCount(); i++)
            {
                if (context.Request.GetArgument(i) is { } argument and not CancellationToken and not IAddressable && !context.InterfaceName.Contains("AsyncEnumerable", StringComparison.Ordinal))
                {
                    bytes += s_serializer.SerializeToArray(argument).Length;
                }
            }

            Note(name, bytes);
            await context.Invoke();
            if (context.Result is { } answer)
            {
                Note(name + " answers", s_serializer.SerializeToArray(answer).Length);
            }
        }

        private void Note(string name, long bytes) => _largest.AddOrUpdate(name, bytes, (_, known) => Math.Max(known, bytes));
    }
}
